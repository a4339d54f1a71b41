from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from msgspec import Struct

from akoolflow.akool.paging import every
from akoolflow.akool.replies import Page

pytestmark = pytest.mark.anyio


class Item(Struct, frozen=True):
    id: str


class Shelf:
    """Pages as a service might give them."""

    def __init__(self, *pages: str, count: int | None = None, last_repeats: bool = False) -> None:
        self.asked = 0
        self._pages, self._count, self._last_repeats = pages, count, last_repeats

    async def page(self, number: int) -> Page[Item]:
        self.asked += 1
        at = min(number, len(self._pages)) if self._last_repeats else number
        ids = self._pages[at - 1] if at <= len(self._pages) else ""
        return Page(tuple(map(Item, ids)), len(ids), self._count)


async def ids(page: Callable[[int], Awaitable[Page[Item]]], size: int = 3) -> str:
    return "".join([item.id async for item in every(page, size, lambda item: item.id)])


@pytest.mark.parametrize(
    ("shelf", "found", "asked"),
    [
        (Shelf(), "", 1),
        (Shelf("ab"), "ab", 1),
        (Shelf("abc", "d"), "abcd", 2),
        (Shelf("abc", "def"), "abcdef", 3),
        (Shelf("abc", "def", count=6), "abcdef", 3),
        (Shelf("abc", "d", count=3), "abcd", 2),  # the count of the page
        (Shelf("abc", "d", count=4), "abcd", 2),  # the count of all
        (Shelf("ab", "cd", "e", count=5), "abcde", 3),  # smaller pages than were asked for
        (Shelf("ab", count=9), "ab", 2),  # a count that promises too much
        (Shelf("abc", last_repeats=True), "abc", 2),  # a service that knows no pages
        (Shelf("abc", "bcd", "e"), "abcde", 3),  # something new came in front meanwhile
    ],
)
async def test_each_item_comes_once_and_the_end_is_found(shelf: Shelf, found: str, asked: int) -> None:
    shelf.asked = 0
    assert await ids(shelf.page) == found
    assert shelf.asked == asked


async def test_no_page_is_fetched_before_it_is_needed() -> None:
    shelf = Shelf("abc", "def")
    items = every(shelf.page, 3, lambda item: item.id)
    for _ in range(3):
        await anext(items)
    assert shelf.asked == 1
    await anext(items)
    assert shelf.asked == 2
    await items.aclose()


async def test_items_that_cannot_be_read_count_as_a_full_page() -> None:
    async def page(number: int) -> Page[Item]:
        return Page((Item("a"),), 3) if number == 1 else Page((Item("b"),), 1)

    assert await ids(page) == "ab"
