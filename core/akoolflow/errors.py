"""The one tree of deliberate failures.

Each leaf says whose fault it is and what to try; facts are fields, the sentence is built in `__str__`.

    AkoolflowError
    ├── ConfigError              the pipeline file, or an option in it, is wrong
    │   ├── ConfigInvalid        … with one complaint per fault, each at its file, line and column
    │   └── OptionInvalid        … raised by a plugin's options struct about one of its keys
    ├── PluginError              a plugin is wrong
    │   ├── PluginNotFound       no plugin of that name is installed
    │   ├── PluginBroken         it is there but cannot be imported, registered or built
    │   ├── PluginNameTaken      two distributions claim one name
    │   └── HookInvalid          a hook that does not exist, or asks for what is not offered
    ├── BusError                 the bus was used against its rules
    │   ├── BusClosed            published after the end
    │   └── FeedbackLoop         a component publishes faster than it can itself take
    ├── ProtocolError            stream message protocol v2
    │   ├── FrameRejected        their mistake: bytes that are no valid message
    │   ├── CommandTooBig        our mistake: a command that does not fit one frame
    │   ├── FrameTooSmall        our mistake: a frame limit too small to carry even one character
    │   └── TextEmpty            our mistake: a chat message without text
    └── SessionError             one avatar session
        ├── FlowClosed           asked for a session of a flow that is not running
        ├── BudgetExceeded       today's budget of the pipeline does not allow one more
        ├── LeasesUnusable       the book of leases, without which none is opened, cannot be written or read
        ├── RequiredPutAside     a component that the pipeline requires kept failing
        ├── ServiceError         the AKOOL service (or its simulator) did not do what was asked
        │   ├── ServiceRefused        it said no, with a code
        │   ├── ServiceSilent         it did not answer in time
        │   ├── ServiceUnreachable    there was no connection: nothing was sent
        │   ├── AnswerLost            the connection broke before the answer was complete
        │   ├── ReplyUnreadable       it answered, but not in the service's words
        │   └── RequestInvalid        our mistake: it would break the service's rules, and was not sent
        ├── SessionUnclosed      a session could not be closed, and goes on costing
        ├── WrongMode            asked for what the avatar's mode does not do
        ├── LinkFailed           the room could not be joined, or was lost for good
        ├── NotReady             the avatar did not come in time
        ├── CommandUnanswered    no ack came before the deadline
        └── SessionOver          asked of a session that has ended
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

__all__ = [
    "AkoolflowError",
    "AnswerLost",
    "BudgetExceeded",
    "BusClosed",
    "BusError",
    "CommandTooBig",
    "CommandUnanswered",
    "Complaint",
    "ConfigError",
    "ConfigInvalid",
    "Culprit",
    "FeedbackLoop",
    "FlowClosed",
    "FrameRejected",
    "FrameTooSmall",
    "HookInvalid",
    "LeasesUnusable",
    "LinkFailed",
    "NotReady",
    "OptionInvalid",
    "PluginBroken",
    "PluginError",
    "PluginNameTaken",
    "PluginNotFound",
    "ProtocolError",
    "ReplyUnreadable",
    "RequestInvalid",
    "RequiredPutAside",
    "Retry",
    "ServiceError",
    "ServiceRefused",
    "ServiceSilent",
    "ServiceUnreachable",
    "SessionError",
    "SessionOver",
    "SessionUnclosed",
    "Spent",
    "TextEmpty",
    "Verdict",
    "WrongMode",
]


class AkoolflowError(Exception):
    """Root of every failure that akoolflow raises on purpose; anything else is a bug."""


# -- the pipeline file -------------------------------------------------------------------------


class Complaint(msgspec.Struct, frozen=True, kw_only=True):
    """One fault of a file: where it is, what was found, what was expected, what to try."""

    file: str
    line: int = 1
    """From 1."""
    column: int = 1
    """From 1, in characters."""
    key: str = ""
    """Dotted path of the key, such as `brain[1].rules[0].regex`; empty for the file as a whole."""
    message: str
    hint: str = ""

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}:{self.column}: "
        key = f"{self.key}: " if self.key else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{where}{key}{self.message}{hint}"


class ConfigError(AkoolflowError):
    """The user's configuration is wrong."""


class ConfigInvalid(ConfigError):
    """A file with faults; `complaints` holds all of them, in the order of the file."""

    def __init__(self, complaints: tuple[Complaint, ...]) -> None:
        self.complaints = complaints
        super().__init__(complaints)

    def __str__(self) -> str:
        return "\n".join(map(str, self.complaints))


class OptionInvalid(ConfigError, ValueError):
    """Raised in an options struct's `__post_init__`: the named key (a path below the struct) is wrong."""

    def __init__(self, key: str | tuple[str | int, ...], message: str, hint: str = "") -> None:
        self.key = (key,) if isinstance(key, str) else key
        self.message, self.hint = message, hint
        super().__init__(self.key, message, hint)

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


# -- plugins -----------------------------------------------------------------------------------


class PluginError(AkoolflowError):
    """A plugin is missing, broken or misnamed."""


class PluginNotFound(PluginError):
    """Nothing installed answers to this name."""

    def __init__(self, name: str, kind: str = "plugin", hint: str = "") -> None:
        self.name, self.kind, self.hint = name, kind, hint
        super().__init__(name, kind, hint)

    def __str__(self) -> str:
        return f"no {self.kind} named {self.name!r}" + (f"; {self.hint}" if self.hint else "")


class PluginBroken(PluginError):
    """The plugin is there, but importing, registering or building it failed."""

    def __init__(self, name: str, reason: str, hint: str = "") -> None:
        self.name, self.reason, self.hint = name, reason, hint
        super().__init__(name, reason, hint)

    def __str__(self) -> str:
        return f"plugin {self.name!r}: {self.reason}" + (f"; {self.hint}" if self.hint else "")


class PluginNameTaken(PluginError):
    """Two claim one name; neither is loaded, so that nobody gets the wrong one by luck."""

    def __init__(self, name: str, claimants: tuple[str, ...]) -> None:
        self.name, self.claimants = name, claimants
        super().__init__(name, claimants)

    def __str__(self) -> str:
        return f"the name {self.name!r} is claimed by {' and by '.join(self.claimants)}; uninstall one of them"


class HookInvalid(PluginError):
    """A method marked `@hookimpl` fits no hook."""

    def __init__(self, component: str, hook: str, reason: str) -> None:
        self.component, self.hook, self.reason = component, hook, reason
        super().__init__(component, hook, reason)

    def __str__(self) -> str:
        return f"component {self.component!r}, hook {self.hook!r}: {self.reason}"


# -- the bus -----------------------------------------------------------------------------------


class BusError(AkoolflowError):
    """The bus was used against its rules."""


class BusClosed(BusError):
    """The bus, or this session's channel of it, has ended and takes no more events."""

    def __str__(self) -> str:
        return "the bus is closed; publish inside its `async with` block"


class FeedbackLoop(BusError):
    """A component's hook publishes more than it, or a component that waits for it, can take.

    Waiting would never end, so the publish is refused instead.
    """

    def __init__(self, component: str, event: str, depth: int) -> None:
        self.component, self.event, self.depth = component, event, depth
        super().__init__(component, event, depth)

    def __str__(self) -> str:
        return (
            f"component {self.component!r} publishes {self.event} in a loop: {self.depth} events wait in its own "
            "circle; publish less than one event for each event received"
        )


# -- the protocol ------------------------------------------------------------------------------


class ProtocolError(AkoolflowError):
    """Stream message protocol v2."""


class FrameRejected(ProtocolError):
    """Bytes from the room that are no valid v2 message: the peer's mistake. `rule` is the one it broke."""

    def __init__(self, rule: str, detail: str) -> None:
        self.rule, self.detail = rule, detail
        super().__init__(rule, detail)

    def __str__(self) -> str:
        return f"{self.rule}: {self.detail}"


class CommandTooBig(ProtocolError):
    """A command cannot be cut into frames, and this one does not fit into one; nothing was sent."""

    def __init__(self, cmd: str, size_bytes: int, max_bytes: int, field: str) -> None:
        self.cmd, self.size_bytes, self.max_bytes, self.field = cmd, size_bytes, max_bytes, field
        super().__init__(cmd, size_bytes, max_bytes, field)

    def __str__(self) -> str:
        return (
            f"command {self.cmd} needs {self.size_bytes} B, one frame of this link holds {self.max_bytes} B; "
            f"shrink {self.field}, its biggest field"
        )


class FrameTooSmall(ProtocolError):
    """The link's frame limit leaves no room for one character beside the envelope."""

    def __init__(self, max_bytes: int, needed_bytes: int) -> None:
        self.max_bytes, self.needed_bytes = max_bytes, needed_bytes
        super().__init__(max_bytes, needed_bytes)

    def __str__(self) -> str:
        return f"a frame of {self.max_bytes} B cannot carry one character of chat; it takes {self.needed_bytes} B"


class TextEmpty(ProtocolError):
    """A chat message has to have text: the service's own client refuses to send one without."""

    def __str__(self) -> str:
        return "a chat message without text; leave it out"


# -- sessions ----------------------------------------------------------------------------------


class SessionError(AkoolflowError):
    """One avatar session could not be opened, kept or used."""


class FlowClosed(SessionError):
    """Sessions are opened inside the flow's `async with` block."""

    def __str__(self) -> str:
        return "the flow is not running; open sessions inside its `async with` block"


class BudgetExceeded(SessionError):
    """One more session is more than `[session.budget]` allows today; nothing was asked for."""

    def __init__(self, pipeline: str, unit: Literal["seconds", "sessions"], spent: Spent) -> None:
        self.pipeline, self.unit, self.spent = pipeline, unit, spent
        super().__init__(pipeline, unit, spent)

    def __str__(self) -> str:
        spent, unit = self.spent, self.unit
        reserved = f" (of which open sessions may give back {spent.reserved:.9g})" if spent.reserved else ""
        hours, minutes = divmod(int(spent.frees_in_s / 60), 60)
        advice = "shorten session.duration or raise" if unit == "seconds" else "raise"
        units = unit if spent.limit != 1 else unit[:-1]
        return (
            f"pipeline {self.pipeline!r} may use {spent.limit:.9g} {units} a day; used so far: {spent.used:.9g}"
            f"{reserved}, and this session wants {spent.wanted:.9g}; the next day begins at 00:00 UTC, in {hours} h "
            f"{minutes} min; to have more now, {advice} session.budget.{unit}_per_day"
        )


class Spent(msgspec.Struct, frozen=True, kw_only=True):
    """How a budget stands: in seconds, or in sessions."""

    limit: float
    used: float
    wanted: float
    """What one more session would take."""
    reserved: float = 0.0
    """Of `used`: what open sessions have not used yet, and give back if they are closed early."""
    frees_in_s: float
    """Seconds until the day, and with it the budget, begins anew."""


class LeasesUnusable(SessionError):
    """The book of leases cannot be written or read. Without a lease on disk no session is asked for."""

    def __init__(self, path: str, why: str, hint: str = "") -> None:
        self.path, self.why, self.hint = path, why, hint
        super().__init__(path, why, hint)

    def __str__(self) -> str:
        return f"the session leases in {self.path}: {self.why}" + (f"; {self.hint}" if self.hint else "")


class RequiredPutAside(SessionError):
    """A component marked `required = true` failed so often that the bus gives it no more events."""

    def __init__(self, component: str, error: str) -> None:
        self.component, self.error = component, error
        super().__init__(component, error)

    def __str__(self) -> str:
        return f"required component {self.component!r} was put aside: {self.error}"


Culprit: TypeAlias = Literal["caller", "account", "avatar", "service", "network", "unknown"]
Retry: TypeAlias = Literal["soon", "later", "after_fix", "never", "unknown"]
"""When the same call may work: in seconds, some time, once something was put right, or not at all."""


class ServiceError(SessionError):
    """The AKOOL service did not do what was asked: `fault` says whose fault that is."""

    call: str = ""
    """Which call, as `session/create`."""
    fault: Culprit = "unknown"
    retry: Retry = "unknown"
    may_have_happened: bool = False
    """Whether the service may have done it all the same: then asking again may do it twice."""
    retry_after_s: float | None = None
    """How long the service asked to be left alone."""

    @property
    def can_retry(self) -> bool:
        """Whether the same call may work later, with nothing changed."""
        return self.retry in {"soon", "later"}


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What a refusal means."""

    fault: Culprit = "unknown"
    retry: Retry = "unknown"
    may_have_happened: bool = False


class ServiceRefused(ServiceError):
    """The service answered with a code other than 1000; `hint` is what to do. `akoolflow.akool.CODES` has them all."""

    def __init__(self, code: int, msg: str, hint: str = "", *, call: str = "", verdict: Verdict | None = None) -> None:
        self.code, self.msg, self.hint, self.call = code, msg, hint, call
        verdict = verdict or Verdict()
        self.fault, self.retry, self.may_have_happened = verdict.fault, verdict.retry, verdict.may_have_happened
        super().__init__(code, msg, hint)

    def __str__(self) -> str:
        call = f" {self.call}" if self.call else ""
        return f"the service refused{call}: code {self.code}, {self.msg}" + (f"; {self.hint}" if self.hint else "")


class ServiceSilent(ServiceError):
    """No answer in time. After a create, a session may have been opened all the same: never repeat it blindly."""

    fault: Culprit = "network"
    retry: Retry = "soon"
    may_have_happened = True

    def __init__(self, call: str, waited_s: float) -> None:
        self.call, self.waited_s = call, waited_s
        super().__init__(call, waited_s)

    def __str__(self) -> str:
        advice = "it may have been done all the same" if self.may_have_happened else "try again later"
        return f"the service did not answer {self.call} within {self.waited_s:g} s; check the network; {advice}"


class ServiceUnreachable(ServiceError):
    """No connection came about, so nothing was sent."""

    fault: Culprit = "network"
    retry: Retry = "soon"

    def __init__(self, call: str, why: str) -> None:
        self.call, self.why = call, why
        super().__init__(call, why)

    def __str__(self) -> str:
        return f"the service is out of reach for {self.call}: {self.why}; check base_url, the network and any proxy"


class AnswerLost(ServiceError):
    """The connection broke after the request may have left and before its answer was complete."""

    fault: Culprit = "network"
    retry: Retry = "soon"
    may_have_happened = True

    def __init__(self, call: str, why: str) -> None:
        self.call, self.why = call, why
        super().__init__(call, why)

    def __str__(self) -> str:
        done = "; it may have been done all the same" if self.may_have_happened else ""
        return f"the answer to {self.call} was lost: {self.why}{done}"


class ReplyUnreadable(ServiceError):
    """The answer is no envelope of the service, or it does not hold what it must."""

    fault: Culprit = "service"

    def __init__(self, call: str, why: str, hint: str = "", *, http_status: int = 200) -> None:
        self.call, self.why, self.hint, self.http_status = call, why, hint, http_status
        super().__init__(call, why, hint)

    def __str__(self) -> str:
        hint = f"; {self.hint}" if self.hint else ""
        return f"the answer to {self.call} (HTTP {self.http_status}) is unreadable: {self.why}{hint}"


class RequestInvalid(ServiceError, ValueError):
    """What was to be sent breaks a rule of the service. Nothing was sent; `faults` has all that is wrong."""

    fault: Culprit = "caller"
    retry: Retry = "after_fix"

    def __init__(self, call: str, faults: tuple[OptionInvalid, ...]) -> None:
        self.call, self.faults = call, faults
        super().__init__(call, faults)

    def __str__(self) -> str:
        keys = (".".join(map(str, each.key)) for each in self.faults)
        told = (
            f"{key if key.isprintable() else ascii(key)}: {each}" for key, each in zip(keys, self.faults, strict=True)
        )
        return f"{self.call}: {'; '.join(told)}"


class SessionUnclosed(SessionError):
    """The service did not take the close; `first` is what had ended the session before that, if it had failed."""

    def __init__(self, session_id: str, why: str, first: BaseException | None = None) -> None:
        self.session_id, self.why, self.first = session_id, why, first
        super().__init__(session_id, why, first)

    def __str__(self) -> str:
        before = f"{self.first}; then " if self.first else ""
        return f"{before}session {self.session_id} could not be closed and costs until its duration ends: {self.why}"


class WrongMode(SessionError):
    """The avatar's mode does not do this."""

    def __init__(self, call: str, mode: int) -> None:
        self.call, self.mode = call, mode
        super().__init__(call, mode)

    def __str__(self) -> str:
        return f"{self.call} needs mode_type 1 (retelling): in mode {self.mode} AKOOL's own model answers every text"


class LinkFailed(SessionError):
    """The room could not be joined, or was lost and did not come back."""

    def __init__(self, transport: str, reason: str) -> None:
        self.transport, self.reason = transport, reason
        super().__init__(transport, reason)

    def __str__(self) -> str:
        return f"transport {self.transport}: {self.reason}"


class NotReady(SessionError):
    """The avatar was not in the room when the deadline came."""

    def __init__(self, waited_s: float) -> None:
        self.waited_s = waited_s
        super().__init__(waited_s)

    def __str__(self) -> str:
        return f"the avatar did not join within {self.waited_s:g} s; raise session.ready_timeout_s or check the avatar"


class CommandUnanswered(SessionError):
    """No ack came in time; the command may or may not have been carried out."""

    def __init__(self, cmd: str, mid: str, waited_s: float) -> None:
        self.cmd, self.mid, self.waited_s = cmd, mid, waited_s
        super().__init__(cmd, mid, waited_s)

    def __str__(self) -> str:
        return f"no ack for {self.cmd} (mid {self.mid}) within {self.waited_s:g} s"


class SessionOver(SessionError):
    """The session has ended; open another."""

    def __str__(self) -> str:
        return "the session has ended; open another one with flow.session()"
