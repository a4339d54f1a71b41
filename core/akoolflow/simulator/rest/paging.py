"""Pages, counted from 1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, TypeAlias, TypeVar

from msgspec import Meta

__all__ = ["Page", "Size", "page_of"]

T = TypeVar("T")

Page: TypeAlias = Annotated[int, Meta(ge=1, le=2**31)]
Size: TypeAlias = Annotated[int, Meta(ge=1, le=100)]
"""At most 100 (documented)."""


def page_of(items: Sequence[T], page: int, size: int) -> list[T]:
    return list(items[(page - 1) * size : page * size])
