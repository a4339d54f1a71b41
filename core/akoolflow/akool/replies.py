"""Bytes of an answer as data, or as the error that they are."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final, Generic, TypeVar

import msgspec
from msgspec import Struct

from akoolflow.akool.account import fits_header
from akoolflow.akool.codes import CODES, SUCCESS, UNKNOWN
from akoolflow.akool.redaction import Vault
from akoolflow.errors import ReplyUnreadable, Retry, ServiceRefused, Verdict

__all__ = ["MAX_REPLY_BYTES", "Page", "Reply", "page_of", "read", "record", "token_in"]

log: Final = logging.getLogger(__name__)
MAX_REPLY_BYTES: Final = 8 * 1024 * 1024
_BIGGEST_CODE: Final = 1 << 53
_TRANSIENT: Final = frozenset({408, 425, 429, 500, 502, 503, 504})

_HINTS: Final[Mapping[int, str]] = {
    200: "is base_url the AKOOL service, or a simulator of it?",
    401: "check the API key or token",
    403: "check the API key or token, and whether a proxy or firewall stands before the service",
    404: "check base_url",
    405: "check base_url",
    407: "the proxy wants a password",
    413: "the request is too big",
    429: "ask less often",
}
_HINTS_BY_CLASS: Final[Mapping[int, str]] = {
    2: _HINTS[200],
    3: "base_url is not where the service lives: it redirects, which is not followed",
    5: "the service, or something before it, is in trouble: try again later",
}

T = TypeVar("T", bound=Struct)


class Reply(Struct, frozen=True):
    """An answer with code 1000."""

    data: Any = None
    """None if it has none, as some have."""
    flat: dict[str, Any] = {}
    """What stands beside `code` and `msg`: the token of getToken, where documented pages disagree."""


class Page(Struct, Generic[T], frozen=True):
    items: tuple[T, ...]
    found: int
    """How many items the answer held, readable or not."""
    count: int | None = None
    """How many there are in all, if the service says."""


def read(call: str, http_status: int, body: bytes, vault: Vault) -> Reply:
    """The data of an answer.

    :raises ServiceRefused: its code is not 1000.
    :raises ReplyUnreadable: it is no envelope.
    """
    try:
        envelope = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError):
        # Not `from`: some of these carry the bytes, and who knows what is in them.
        raise _unreadable(call, http_status, "it is no JSON" if body.strip() else "it is empty") from None
    code = envelope.get("code") if isinstance(envelope, dict) else None
    if not isinstance(code, int) or isinstance(code, bool) or abs(code) > _BIGGEST_CODE:
        raise _unreadable(call, http_status, "it has no code")
    vault.learn(envelope)
    if code != SUCCESS:
        raise _refused(call, http_status, envelope, vault)
    if not 200 <= http_status < 300:
        raise _unreadable(call, http_status, "its code 1000 and its HTTP status contradict each other")
    return Reply(envelope.get("data"), {key: value for key, value in envelope.items() if key not in {"code", "msg"}})


def record(call: str, kind: type[T], data: Any) -> T:
    """Data as a struct. Fields that are not required and do not fit are left out: no answer is lost for an ornament.

    :raises ReplyUnreadable: what is required is not there.
    """
    if isinstance(data, list) and len(data) == 1:
        data = data[0]  # the v3 detail of an avatar is a list of one
    if not isinstance(data, dict):
        raise ReplyUnreadable(call, f"its data is {_kind(data)}, expected an object")
    values = {name: value for name, value in data.items() if value is not None}
    try:
        return msgspec.convert(values, kind, strict=False)
    except msgspec.ValidationError:
        fitting = {name: value for name, value in values.items() if _fits(call, kind, name, value)}
    try:
        return msgspec.convert(fitting, kind, strict=False)
    except msgspec.ValidationError as error:
        raise ReplyUnreadable(call, f"its data does not fit: {error}") from error


def page_of(call: str, kind: type[T], data: Any, *names: str) -> Page[T]:
    """A list, or an object that holds one under one of these names; items that cannot be read are left out and logged.

    :raises ReplyUnreadable: it is neither.
    """
    table = data if isinstance(data, dict) else {}
    count = table.get("count")
    count = count if isinstance(count, int) and not isinstance(count, bool) and count >= 0 else None
    items = data if isinstance(data, list) else next((table[name] for name in names if name in table), None)
    if items is None and (count == 0 or any(name in table for name in names)):
        items = []  # an empty list may be written null
    if not isinstance(items, list):
        raise ReplyUnreadable(call, f"its data is {_kind(data)}, expected a list or {' or '.join(names)}")
    read_items = []
    for item in items:
        try:
            read_items.append(record(call, kind, item))
        except ReplyUnreadable as error:
            log.warning("%s: an item of the list is left out: %s", call, error.why)
    return Page(tuple(read_items), len(items), count)


def token_in(call: str, reply: Reply) -> str:
    """The token of getToken, beside the code or (as one page of the documentation has it) in the data.

    :raises ReplyUnreadable: there is none.
    """
    nested = reply.data.get("token") if isinstance(reply.data, dict) else None
    for token in (reply.flat.get("token"), nested):
        if isinstance(token, str) and fits_header(token):
            return token
    raise ReplyUnreadable(call, "it holds no token")


def _fits(call: str, kind: type[Struct], name: str, value: Any) -> bool:
    field = next((field for field in msgspec.structs.fields(kind) if field.encode_name == name), None)
    if field is None:
        return False
    try:
        msgspec.convert(value, field.type, strict=False)
    except msgspec.ValidationError:
        log.debug("%s: field %s is %s and left out", call, name, _kind(value))
        return False
    return True


def _refused(call: str, http_status: int, envelope: dict[str, Any], vault: Vault) -> ServiceRefused:
    code, msg = envelope["code"], envelope.get("msg")
    row = CODES.get(code, UNKNOWN)
    failing = http_status in _TRANSIENT
    retry: Retry = "soon" if failing else row.retry
    verdict = Verdict(fault=row.fault, retry=retry, may_have_happened=http_status >= 500)
    text = vault.scrub(msg) if isinstance(msg, str) and msg.strip() else row.meaning
    return ServiceRefused(code, text, row.advice, call=call, verdict=verdict)


def _unreadable(call: str, http_status: int, why: str) -> ReplyUnreadable:
    hint = _HINTS.get(http_status) or _HINTS_BY_CLASS.get(http_status // 100, "")
    error = ReplyUnreadable(call, why, hint, http_status=http_status)
    error.may_have_happened = not 400 <= http_status < 500
    error.fault = "caller" if not error.may_have_happened else "service"
    error.retry = "soon" if http_status in _TRANSIENT else "unknown"
    return error


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", type(None): "nothing", bool: "true or false"}
    return names.get(type(value), "a number")
