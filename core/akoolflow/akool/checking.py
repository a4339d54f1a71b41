"""A request's values as the JSON that will be sent, with every fault of it at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from akoolflow.akool.endpoints import Endpoint
from akoolflow.akool.redaction import Vault
from akoolflow.errors import OptionInvalid, RequestInvalid
from akoolflow.secret import Secret
from akoolflow.toml.checking import check
from akoolflow.toml.faults import KeyPath

__all__ = ["checked", "given"]

_MAX_DEPTH: Final = 12
"""No field of the service is half as deep; a value that holds itself ends here."""
_BIGGEST: Final = 1 << 53
"""Whole numbers above are not the same in every reader of JSON; not a number and the infinities are no JSON."""


def given(fields: Struct) -> dict[str, Any]:
    """What of it was given, by the service's names: None leaves a field out."""
    pairs = ((field.encode_name, getattr(fields, field.name)) for field in msgspec.structs.fields(fields))
    return {name: value for name, value in pairs if value is not None}


def checked(endpoint: Endpoint, values: Mapping[str, Any], vault: Vault) -> dict[str, Any]:
    """The values as plain JSON, secrets revealed; the vault gets to know them.

    :raises RequestInvalid: with all faults.
    """
    faults: list[OptionInvalid] = []
    reading = _Reading(faults, vault)
    body: dict[str, Any] = reading.plain(values, ())
    vault.learn(body)
    if not faults:
        for kind in endpoint.takes:
            names = {field.encode_name for field in msgspec.structs.fields(kind)}
            part = {name: value for name, value in body.items() if name in names}
            found = check(part, kind, folder=Path()).faults
            faults += [OptionInvalid(each.path, vault.scrub(each.message), vault.scrub(each.hint)) for each in found]
    faults = faults or list(endpoint.rules(body))
    if faults:
        raise RequestInvalid(endpoint.name, tuple(faults))
    return body


class _Reading(Struct, frozen=True):
    faults: list[OptionInvalid]
    vault: Vault

    def plain(self, value: Any, path: KeyPath) -> Any:
        """What JSON can hold of it. Whole numbers lose their `.0`: they fit wherever a number does."""
        if isinstance(value, Secret):
            self.vault.add(value)
            value = value.reveal()
        elif isinstance(value, Struct):
            value = given(value)
        fault = "nested too deeply" if len(path) > _MAX_DEPTH else _unfit(value)
        if fault:
            self.faults.append(OptionInvalid(path, fault))
            return None
        if isinstance(value, Mapping):
            return dict(self._items(value, path))
        if isinstance(value, list | tuple):
            return [self.plain(item, (*path, number)) for number, item in enumerate(value)]
        if isinstance(value, str):
            return str.__str__(value)  # without the enum that it may be a member of
        return value if isinstance(value, bool) else int(value) if value == int(value) else value

    def _items(self, table: Mapping[Any, Any], path: KeyPath) -> Iterator[tuple[str, Any]]:
        for name, item in table.items():
            if not isinstance(name, str) or not _is_text(name):
                self.faults.append(OptionInvalid(path, "found a key that is no text"))
            elif item is not None:
                yield name, self.plain(item, (*path, name))


def _unfit(value: Any) -> str:
    """Why JSON cannot hold it; empty if it can."""
    if isinstance(value, str):
        return "" if _is_text(value) else "found text that is no valid Unicode"
    if isinstance(value, int | float):
        return "" if abs(value) <= _BIGGEST else "found a number that is out of every range"
    if isinstance(value, Mapping | list | tuple):
        return ""
    return f"found a value of type {type(value).__name__}, which JSON cannot hold"


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
