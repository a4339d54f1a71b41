"""Lists, page by page."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable
from itertools import count
from typing import TypeVar

from msgspec import Struct

from akoolflow.akool.replies import Page

__all__ = ["every"]

T = TypeVar("T", bound=Struct)


async def every(
    page: Callable[[int], Awaitable[Page[T]]], size: int, identity: Callable[[T], Hashable]
) -> AsyncGenerator[T, None]:
    """Each item of a list once.

    Whether `count` is that of all or of the page is not clear, and some lists have none; so the end is a page that is
    short (and no more is promised), or one that brings nothing new, as from a server that knows no pages.
    """
    seen: set[Hashable] = set()
    fetched = 0
    for number in count(1):
        answer = await page(number)
        fetched += answer.found
        new = {key: item for item in answer.items if (key := identity(item)) not in seen}
        for item in new.values():
            yield item
        seen.update(new)
        if not new or (answer.found < size and fetched >= (answer.count or 0)):
            return
