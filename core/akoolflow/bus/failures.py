"""What becomes of a hook's failure: counted, told, and in the end held against its component."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from akoolflow.events import EventsDropped, PluginFailed

if TYPE_CHECKING:
    from akoolflow.bus.worker import Worker

__all__ = ["fail"]

log: Final = logging.getLogger(__name__)
_ERROR_CHARS: Final = 300


def fail(worker: Worker, error: BaseException, *, for_good: bool = False) -> None:
    """Count and tell a failure of the hook that was called last; with the last of a row its component is put aside."""
    component, event = worker.component, worker.current
    component.failed += 1
    worker.failures += 1
    worker.failed_on = event
    log.debug("component %s failed in %s", component.name, worker.hook, exc_info=error)
    aside = not worker.put_aside and (for_good or worker.failures >= worker.channel.bus.max_failures)
    if not aside and isinstance(event, PluginFailed | EventsDropped):
        if worker.told_of_news or event.component == component.name:
            return  # told each time, failures to hear of failures could go on for ever
        worker.told_of_news = True
    if aside:
        worker.stop()
    report = PluginFailed(
        component=component.name, hook=worker.hook, error=_text(error), count=worker.failures, put_aside=aside
    )
    worker.channel.report(report, cause=event)
    if aside:
        worker.discard()
        worker.report_drops()


def _text(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    try:
        message = str(error)
    except Exception:  # noqa: BLE001 - a stranger's error may fail even here
        message = "its text cannot be shown"
    return f"{type(error).__name__}: {message}"[:_ERROR_CHARS]
