"""Avatars: upload, list, detail; the older catalogue too."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from akoolflow.simulator.rest.avatars import AvatarStatus, StreamingAvatar
from akoolflow.simulator.rest.backend import Backend, Caller
from akoolflow.simulator.rest.codes import refused
from akoolflow.simulator.rest.endpoint import Endpoint
from akoolflow.simulator.rest.paging import Page, Size, page_of

__all__ = ["ENDPOINTS", "AvatarData", "AvatarPage", "OldAvatar", "UploadAvatar", "UploadedAvatar"]

_Text = Annotated[str, Meta(min_length=1)]
_STREAMING: Final = 2


class UploadAvatar(Struct, frozen=True, kw_only=True):
    url: _Text
    avatar_id: Annotated[str, Meta(pattern=r"^[a-zA-Z0-9]+$", max_length=200)]
    name: _Text
    type: Literal[2]
    url_from: Literal[1, 2]


class ListAvatars(Struct, frozen=True, kw_only=True):
    platform: Literal["open", "aigc"] = "open"
    page: Page = 1
    size: Size = 100


class AvatarId(Struct, frozen=True, kw_only=True):
    avatar_id: str


class RecordId(Struct, frozen=True, kw_only=True):
    id: str


class ListOldAvatars(Struct, frozen=True, kw_only=True):
    from_: Literal[2, 3] | None = field(name="from", default=None)
    type: Literal[1, 2] | None = None
    page: Page = 1
    size: Size = 100


class UploadedAvatar(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: str = field(name="_id")
    disabled: bool = False
    uid: int
    type: Literal[2] = 2
    from_: int = field(name="from")
    status: AvatarStatus
    sort: int = 0
    create_time: int
    """Milliseconds since 1970."""
    name: str
    avatar_id: str
    url: str
    modify_url: str
    gender: str
    thumbnail_url: str = field(name="thumbnailUrl")
    crop_arr: list[int] = []


class AvatarData(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: str = field(name="_id")
    uid: int
    type: Literal[2] = 2
    from_: int = field(name="from")
    avatar_id: str
    voice_id: str
    name: str
    url: str
    thumbnail_url: str = field(name="thumbnailUrl")
    gender: str
    available: bool
    platform: str | UnsetType = UNSET
    """With detail only."""
    status: AvatarStatus | UnsetType = UNSET
    """With detail only."""


class AvatarPage(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    count: int
    result: list[AvatarData]


class OldAvatar(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """As the version 3 calls tell of an avatar."""

    id: str = field(name="_id")
    uid: int
    type: Literal[2] = 2
    from_: int = field(name="from")
    status: AvatarStatus
    name: str
    avatar_id: str
    url: str
    gender: str
    thumbnail_url: str = field(name="thumbnailUrl")


def _upload(backend: Backend, caller: Caller, asked: UploadAvatar) -> UploadedAvatar:
    avatar = backend.avatars.upload(caller.account.uid, asked.avatar_id, asked.name, asked.url, caller.now)
    return UploadedAvatar(
        id=avatar.record_id,
        uid=avatar.uid,
        from_=avatar.made_by,
        status=avatar.status,
        create_time=int(avatar.created_s * 1000),
        name=avatar.name,
        avatar_id=avatar.avatar_id,
        url=avatar.url,
        modify_url=avatar.url,
        gender=avatar.gender,
        thumbnail_url=avatar.thumbnail_url,
    )


def _list(backend: Backend, caller: Caller, asked: ListAvatars) -> AvatarPage:
    found = backend.avatars.of(caller.account.uid, caller.now)
    page = page_of(found, asked.page, asked.size)
    return AvatarPage(count=len(found), result=[_told(backend, caller, avatar) for avatar in page])


def _detail(backend: Backend, caller: Caller, asked: AvatarId) -> AvatarData:
    avatar = backend.avatars.find(caller.account.uid, asked.avatar_id, caller.now)
    return _told(backend, caller, avatar, detailed=True)


def _told(backend: Backend, caller: Caller, avatar: StreamingAvatar, *, detailed: bool = False) -> AvatarData:
    with_status = detailed and backend.switches.service.detail_status
    return AvatarData(
        id=avatar.record_id,
        uid=avatar.uid,
        from_=avatar.made_by,
        avatar_id=avatar.avatar_id,
        voice_id=avatar.voice_id,
        name=avatar.name,
        url=avatar.url,
        thumbnail_url=avatar.thumbnail_url,
        gender=avatar.gender,
        available=avatar.is_usable and backend.avatars.is_free(avatar.avatar_id, caller.now),
        platform="open" if detailed else UNSET,
        status=avatar.status if with_status else UNSET,
    )


def _old_list(backend: Backend, caller: Caller, asked: ListOldAvatars) -> list[OldAvatar]:
    found = [
        _told_old(avatar)
        for avatar in backend.avatars.of(caller.account.uid, caller.now)
        if asked.from_ in {None, avatar.made_by} and asked.type in {None, _STREAMING}
    ]
    return page_of(found, asked.page, asked.size)


def _old_detail(backend: Backend, caller: Caller, asked: RecordId) -> list[OldAvatar]:
    for avatar in backend.avatars.of(caller.account.uid, caller.now):
        if avatar.record_id == asked.id:
            return [_told_old(avatar)]
    raise refused(backend.switches.service.unknown_avatar_code, f"avatar record {asked.id!r}")


def _told_old(avatar: StreamingAvatar) -> OldAvatar:
    return OldAvatar(
        id=avatar.record_id,
        uid=avatar.uid,
        from_=avatar.made_by,
        status=avatar.status,
        name=avatar.name,
        avatar_id=avatar.avatar_id,
        url=avatar.url,
        gender=avatar.gender,
        thumbnail_url=avatar.thumbnail_url,
    )


ENDPOINTS: Final = (
    Endpoint(
        method="POST",
        name="v3/avatar/create",
        summary="Upload a streaming avatar; it can be used when its status is 3.",
        takes=UploadAvatar,
        gives=UploadedAvatar,
        handle=_upload,
        ok="ok",
    ),
    Endpoint(
        method="GET",
        name="v4/liveAvatar/avatar/list",
        summary="The avatars that the account may use.",
        takes=ListAvatars,
        gives=AvatarPage,
        handle=_list,
    ),
    Endpoint(
        method="GET",
        name="v4/liveAvatar/avatar/detail",
        summary="One avatar, by its public id.",
        takes=AvatarId,
        gives=AvatarData,
        handle=_detail,
    ),
    Endpoint(
        method="GET",
        name="v3/avatar/list",
        summary="The older catalogue.",
        takes=ListOldAvatars,
        gives=list[OldAvatar],
        handle=_old_list,
        ok="ok",
    ),
    Endpoint(
        method="GET",
        name="v3/avatar/detail",
        summary="One avatar of the older catalogue, by its record's id, in an array.",
        takes=RecordId,
        gives=list[OldAvatar],
        handle=_old_detail,
        ok="ok",
    ),
)
