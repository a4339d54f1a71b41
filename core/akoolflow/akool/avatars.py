"""Streaming avatars: those that there are, and uploading one's own."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from functools import partial
from typing import Final, Literal

from akoolflow.akool.checking import given
from akoolflow.akool.endpoints import AVATAR_CREATE, AVATAR_DETAIL, AVATAR_LIST, AVATAR_RECORD
from akoolflow.akool.exchange import Exchange, Seams
from akoolflow.akool.fields import AvatarUpload
from akoolflow.akool.models import Avatar
from akoolflow.akool.paging import every
from akoolflow.akool.replies import Page, page_of

__all__ = ["Avatars"]

_DONE: Final = frozenset({3, 4})


class Avatars:
    """Every method raises `ServiceError`."""

    def __init__(self, exchange: Exchange, seams: Seams) -> None:
        self._exchange, self._sleep = exchange, seams.sleep

    def all(self, platform: Literal["open", "aigc"] = "open") -> AsyncGenerator[Avatar, None]:
        """:param platform: `open` for those of the API, `aigc` for the web app's."""
        return every(partial(self.page, platform=platform), 100, lambda avatar: avatar.avatar_id or avatar.id)

    async def page(self, page: int = 1, size: int = 100, *, platform: Literal["open", "aigc"] = "open") -> Page[Avatar]:
        """:param size: 1 to 100."""
        reply = await self._exchange.call(AVATAR_LIST, {"platform": platform, "page": page, "size": size})
        return page_of(AVATAR_LIST.name, Avatar, reply.data, "result")

    async def detail(self, avatar_id: str) -> Avatar:
        """By the id that sessions are opened with. By its schema the answer holds no status."""
        return await self._exchange.fetch(AVATAR_DETAIL, {"avatar_id": avatar_id}, Avatar)

    async def record(self, record_id: str) -> Avatar:
        """By the id of the record, from the older v3 API, whose answer holds the status."""
        return await self._exchange.fetch(AVATAR_RECORD, {"id": record_id}, Avatar)

    async def upload(self, upload: AvatarUpload) -> Avatar:
        """Have an avatar made; it can be used when its status is 3, which takes the service some time.

        Never repeated: it may have been taken though its answer was lost (`may_have_happened` of the error).
        """
        return await self._exchange.fetch(AVATAR_CREATE, given(upload), Avatar)

    async def watch(self, avatar: Avatar, *, every_s: float = 10.0, looks: int = 360) -> AsyncGenerator[Avatar, None]:
        """Look at an upload again and again, until its status is 3 (usable) or 4 (failed), or `looks` are done."""
        for look in range(looks):
            if look:
                await self._sleep(every_s)
            seen = await self.detail(avatar.avatar_id) if avatar.avatar_id else await self.record(avatar.id)
            if seen.status is None and avatar.id and avatar.avatar_id:
                seen = await self.record(avatar.id)
            yield seen
            if seen.status in _DONE:
                return
