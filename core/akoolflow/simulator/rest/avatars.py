"""The avatars: stock ones, which everybody may use, and uploads, which take their time to become usable."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, TypeAlias

from msgspec import Struct

from akoolflow.simulator.options import SimulatorOptions
from akoolflow.simulator.rest.codes import refused
from akoolflow.simulator.rest.options import ServiceOptions
from akoolflow.simulator.rest.seeds import object_id
from akoolflow.simulator.rest.shelf import Shelf

__all__ = ["OFFICIAL", "USER_MADE", "AvatarStatus", "Avatars", "StreamingAvatar", "Upload"]

AvatarStatus: TypeAlias = Literal[1, 2, 3, 4]
QUEUEING: Final = 1
PROCESSING: Final = 2
USABLE: Final = 3
FAILED: Final = 4

OFFICIAL: Final = 2
USER_MADE: Final = 3
_OFFICIAL_UID: Final = 1
_MEDIA: Final = "https://media.simulator.invalid"
_DEFAULT_VOICE: Final = "iP95p4xoKVk53GoZ742B"
_UNUSABLE: Final = {QUEUEING: 1214, PROCESSING: 1214, FAILED: 1220}
"""Refusals of a session with such an avatar; that it has to be usable is documented, the codes are our guess."""


class Upload(Struct, frozen=True, kw_only=True):
    """What was asked of avatar/create."""

    uid: int
    avatar_id: str
    name: str
    url: str
    created_s: float
    number: int
    """From 1, in the order of uploading."""


class StreamingAvatar(Struct, frozen=True, kw_only=True):
    record_id: str
    uid: int
    avatar_id: str
    name: str
    url: str
    made_by: Literal[2, 3]
    """`from` on the wire: 2 official, 3 user-made."""
    status: AvatarStatus
    created_s: float = 0.0
    voice_id: str = _DEFAULT_VOICE
    gender: str = ""

    @property
    def is_usable(self) -> bool:
        return self.status == USABLE

    @property
    def thumbnail_url(self) -> str:
        return f"{_MEDIA}/avatar/thumbnail/{self.avatar_id}.png"


class Avatars:
    def __init__(
        self,
        simulator: SimulatorOptions,
        service: ServiceOptions,
        uploads: Shelf[Upload],
        is_free: Callable[[str, float], bool],
    ) -> None:
        """:param is_free: whether an avatar could take one more session at that time."""
        self._simulator, self._service, self._uploads = simulator, service, uploads
        self.is_free = is_free

    def __contains__(self, avatar_id: object) -> bool:
        return avatar_id in self._simulator.avatars or avatar_id in self._uploads

    def upload(self, uid: int, avatar_id: str, name: str, url: str, now: float) -> StreamingAvatar:
        """:raises ServiceRefused: 1222, the id is taken; 1223, too many of them (codes documented, their use our
        guess).
        """
        if avatar_id in self:
            raise refused(1222, f"avatar_id {avatar_id!r}")
        if sum(upload.uid == uid for upload in self._uploads.values()) >= self._service.max_avatars:
            raise refused(1223, f"an account may have {self._service.max_avatars} avatars of its own")
        number = max((upload.number for upload in self._uploads.values()), default=0) + 1
        upload = Upload(uid=uid, avatar_id=avatar_id, name=name, url=url, created_s=now, number=number)
        self._uploads[avatar_id] = upload
        return self._uploaded(upload, now)

    def of(self, uid: int, now: float) -> list[StreamingAvatar]:
        """All that this account sees: its own, newest first, then the stock."""
        own = [self._uploaded(upload, now) for upload in reversed(self._uploads.values()) if upload.uid == uid]
        return own + [self._stock(avatar_id) for avatar_id in self._simulator.avatars]

    def find(self, uid: int, avatar_id: str, now: float) -> StreamingAvatar:
        """:raises ServiceRefused: with `unknown_avatar_code`."""
        if avatar_id in self._simulator.avatars:
            return self._stock(avatar_id)
        upload = self._uploads.get(avatar_id)
        if upload is None or upload.uid != uid:
            hint = f"stock avatars here: {', '.join(self._simulator.avatars)}; the switch `avatars` names others"
            raise refused(self._service.unknown_avatar_code, f"avatar {avatar_id!r}", hint)
        return self._uploaded(upload, now)

    def usable(self, uid: int, avatar_id: str, now: float) -> StreamingAvatar:
        """:raises ServiceRefused: it is unknown, not ready yet, or failed."""
        avatar = self.find(uid, avatar_id, now)
        if not avatar.is_usable:
            raise refused(_UNUSABLE[avatar.status], f"avatar {avatar_id!r} has status {avatar.status}, not 3")
        return avatar

    def _stock(self, avatar_id: str) -> StreamingAvatar:
        return StreamingAvatar(
            record_id=object_id(self._simulator.seed, "stock", avatar_id),
            uid=_OFFICIAL_UID,
            avatar_id=avatar_id,
            name=" ".join(avatar_id.removeprefix("dvp_").split("_")[:1]) or avatar_id,
            url=f"{_MEDIA}/avatar/{avatar_id}.mp4",
            made_by=OFFICIAL,
            status=USABLE,
        )

    def _uploaded(self, upload: Upload, now: float) -> StreamingAvatar:
        return StreamingAvatar(
            record_id=object_id(self._simulator.seed, "upload", upload.number),
            uid=upload.uid,
            avatar_id=upload.avatar_id,
            name=upload.name,
            url=upload.url,
            made_by=USER_MADE,
            status=self._status(now - upload.created_s),
            created_s=upload.created_s,
        )

    def _status(self, age_s: float) -> AvatarStatus:
        queued_s = self._simulator.scaled_s(self._service.avatar_queue_s)
        if age_s < queued_s:
            return QUEUEING
        if age_s < queued_s + self._simulator.scaled_s(self._service.avatar_processing_s):
            return PROCESSING
        return FAILED if self._service.avatar_fails else USABLE
