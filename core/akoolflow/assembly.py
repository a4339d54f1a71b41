"""From a pipeline file to a plan: every component built, nothing opened."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from akoolflow.conversation import Timing
from akoolflow.errors import PluginBroken
from akoolflow.pipeline import Component, Pipeline, load
from akoolflow.plan import Plan
from akoolflow.simulator import InProcessService

__all__ = ["assemble", "plan_of"]

_STREAM_TYPES: Final = frozenset({"agora", "livekit", "trtc", "local"})


def plan_of(path: Path) -> Plan:
    """Load a pipeline file and build what it names.

    :raises ConfigInvalid: with all complaints about the file.
    :raises PluginBroken: a component could not be built from its options.
    """
    return assemble(load(path))


def assemble(pipeline: Pipeline) -> Plan:
    """Build the components of a pipeline.

    :raises PluginBroken: one of them could not be built from its options.
    """
    session, simulator, transport = pipeline.session, pipeline.simulator, pipeline.transport
    return Plan(
        service=InProcessService(simulator),
        transport=_built(transport),
        brains=tuple(map(_built, pipeline.brains)),
        sinks=tuple(map(_built, pipeline.sinks)),
        request=session.request(transport.use if transport.use in _STREAM_TYPES else "local"),
        required=frozenset(component.name for component in pipeline.components if component.required),
        timing=Timing(
            create_timeout_s=session.create_timeout_s,
            ready_timeout_s=session.ready_timeout_s,
            ack_timeout_s=session.ack_timeout_s,
            close_timeout_s=session.close_timeout_s,
            expiring_before_s=session.expiring_before_s,
            speech_grace_s=session.speech_grace_s,
            answer_timeout_s=session.answer_timeout_s,
            chars_per_s=simulator.chars_per_s * simulator.speed,
        ),
    )


def _built(component: Component) -> tuple[str, Any]:
    try:
        return component.name, component.entry.factory(component.options)
    except Exception as error:
        raise PluginBroken(component.name, f"could not be built: {type(error).__name__}: {error}") from error
