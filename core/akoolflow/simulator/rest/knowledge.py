"""Knowledge bases and their limits, all of them documented."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Annotated, Final, TypeAlias

from msgspec import Meta, Struct
from msgspec.structs import replace

from akoolflow.simulator.rest.codes import refused
from akoolflow.simulator.rest.seeds import object_id
from akoolflow.simulator.rest.shelf import Shelf

__all__ = ["Contents", "Doc", "KnowledgeBase", "KnowledgeBases", "Name", "Prologue", "Prompt"]

_MAX_FILES_BYTES: Final = 524_288_000
_FORMATS: Final = ("pdf", "doc", "docx", "txt", "md", "json", "xml", "csv")

Name: TypeAlias = Annotated[str, Meta(max_length=100)]
Prologue: TypeAlias = Annotated[str, Meta(max_length=2000)]
Prompt: TypeAlias = Annotated[str, Meta(max_length=10_000)]


class Doc(Struct, frozen=True, kw_only=True):
    name: str
    url: str
    size: Annotated[int, Meta(ge=0, le=104_857_600)]
    """Bytes."""


class Contents(Struct, frozen=True, kw_only=True):
    """What the user says of a knowledge base; None leaves a field as it was, or empty."""

    name: Name | None = None
    prologue: Prologue | None = None
    prompt: Prompt | None = None
    docs: tuple[Doc, ...] | None = None
    urls: tuple[str, ...] | None = None


class KnowledgeBase(Struct, frozen=True, kw_only=True):
    id: str
    number: int
    """From 1, in the order of creation."""
    uid: int
    name: str = ""
    prologue: str = ""
    prompt: str = ""
    docs: tuple[Doc, ...] = ()
    urls: tuple[str, ...] = ()
    created_s: float
    updated_s: float


class KnowledgeBases:
    def __init__(self, bases: Shelf[KnowledgeBase], seed: int) -> None:
        self._bases, self._seed = bases, seed

    def create(self, uid: int, contents: Contents, now: float) -> KnowledgeBase:
        """:raises ServiceRefused: 1003 for files over their limits, 1233 for a name that the user has given already."""
        number = max((base.number for base in self._bases.values()), default=0) + 1
        new_id = object_id(self._seed, "knowledge", number, f"{now:.6f}")
        base = KnowledgeBase(id=new_id, number=number, uid=uid, created_s=now, updated_s=now)
        return self._put(base, contents, now)

    def update(self, uid: int, base_id: str, contents: Contents, now: float) -> KnowledgeBase:
        """:raises ServiceRefused: as `create`, and 1232."""
        return self._put(self.find(uid, base_id), contents, now)

    def delete(self, uid: int, base_id: str) -> None:
        """:raises ServiceRefused: 1232, there is none with this id."""
        del self._bases[self.find(uid, base_id).id]

    def find(self, uid: int, base_id: str) -> KnowledgeBase:
        """:raises ServiceRefused: 1232, this user has none with this id."""
        base = self._bases.get(base_id)
        if base is None or base.uid != uid:
            raise refused(1232, f"id {base_id!r}")
        return base

    def of(self, uid: int, name: str = "") -> list[KnowledgeBase]:
        """The user's own, newest first; those whose name has `name` in it."""
        wanted = name.casefold()
        return [b for b in reversed(self._bases.values()) if b.uid == uid and wanted in b.name.casefold()]

    def _put(self, base: KnowledgeBase, contents: Contents, now: float) -> KnowledgeBase:
        if contents.docs is not None:
            _check_files(contents.docs)
        if contents.name:
            self._check_name(base, contents.name)
        given = {key: value for key in contents.__struct_fields__ if (value := getattr(contents, key)) is not None}
        changed = replace(base, updated_s=now, **given)
        self._bases[base.id] = changed
        return changed

    def _check_name(self, base: KnowledgeBase, name: str) -> None:
        if any(other.name == name and other.uid == base.uid and other.id != base.id for other in self._bases.values()):
            raise refused(1233, f"name {name!r}")


def _check_files(docs: Sequence[Doc]) -> None:
    for doc in docs:
        if PurePosixPath(doc.name).suffix.removeprefix(".").lower() not in _FORMATS:
            raise refused(1003, f"docs: {doc.name!r} is none of {', '.join(_FORMATS)}")
    total_bytes = sum(doc.size for doc in docs)
    if total_bytes > _MAX_FILES_BYTES:
        raise refused(1003, f"docs: {total_bytes} B in all, at most {_MAX_FILES_BYTES} are allowed")
