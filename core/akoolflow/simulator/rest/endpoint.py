"""What a REST call is: where it is, what it takes and gives, and how it is answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

from akoolflow.errors import ServiceRefused
from akoolflow.simulator.rest.accounts import NOBODY
from akoolflow.simulator.rest.backend import Backend, Caller
from akoolflow.simulator.rest.codes import refused

__all__ = ["OK", "Answer", "Asked", "Endpoint", "Nothing", "answer", "parameters_of", "refusal_answer"]

OK: Final = 1000


class Nothing(Struct, frozen=True):
    """No parameters."""


class Answer(Struct, frozen=True, kw_only=True):
    """The envelope: success is code 1000 and nothing else."""

    code: int = OK
    msg: str | UnsetType = UNSET
    data: Any = UNSET
    token: str | UnsetType = UNSET


class Endpoint(Struct, frozen=True, kw_only=True):
    method: Literal["GET", "POST", "DELETE"]
    name: str
    """The path below `/api/open/`."""
    summary: str
    takes: type[Struct] = Nothing
    """Parameters: of the query with GET, else of a JSON body."""
    gives: Any = None
    """Type of the reply's `data`; None if it has none."""
    may_give_nothing: bool = False
    """Whether a switch leaves `data` out."""
    handle: Callable[[Backend, Caller, Any], Any]
    is_open: bool = False
    """Whether it needs no key."""
    ok: Literal["OK", "ok"] = "OK"
    """The success message: its case differs by call (documented)."""

    @property
    def path(self) -> str:
        return f"/api/open/{self.name}"


class Asked(Struct, frozen=True, kw_only=True):
    """One call as it came."""

    authorization: str = ""
    api_key: str = ""
    parameters: Any = msgspec.field(default_factory=dict)
    """Of the query as strings, or the JSON body."""
    unreadable: ServiceRefused | None = None
    """Instead of parameters: why there are none."""


def answer(backend: Backend, endpoint: Endpoint, asked: Asked, now: float) -> tuple[Answer, int]:
    """The answer, and whose call it was: the account's uid, or 0. No input makes it raise."""
    account = NOBODY
    try:
        if not endpoint.is_open:
            account = backend.accounts.identify(asked.authorization, asked.api_key, now)
        data = endpoint.handle(backend, Caller(account=account, now=now), parameters_of(endpoint, asked))
    except ServiceRefused as refusal:
        return refusal_answer(refusal), account.uid
    return (data if isinstance(data, Answer) else Answer(msg=endpoint.ok, data=data)), account.uid


def refusal_answer(refusal: ServiceRefused) -> Answer:
    hint = f" ({refusal.hint})" if refusal.hint else ""
    return Answer(code=refusal.code, msg=f"{refusal.msg}{hint}")


def parameters_of(endpoint: Endpoint, asked: Asked) -> Any:
    """:raises ServiceRefused: 1003, something is missing or of the wrong kind."""
    if asked.unreadable is not None:
        raise asked.unreadable
    given = asked.parameters
    from_query = endpoint.method == "GET"
    if from_query:  # an empty value counts as left out, as empty strings do in create (official demo)
        given = {name: value for name, value in given.items() if value}
    try:
        return msgspec.convert(given, endpoint.takes, strict=not from_query)
    except msgspec.ValidationError as error:
        raise refused(1003, str(error)) from error
