"""A client of AKOOL's REST API, usable alone.

async with AkoolClient(Account(api_key=Secret(key))) as akool:
    async for avatar in akool.avatars.all():
        print(avatar.avatar_id, avatar.available)
    session = await akool.sessions.create(SessionRequest(avatar_id="dvp_Tristan_cloth2_1080P", duration=60))
    await akool.sessions.close(session.id)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from akoolflow.akool.account import Account
    from akoolflow.akool.client import BASE_URL, AkoolClient
    from akoolflow.akool.codes import BUSY, CODES, OVER, Code
    from akoolflow.akool.endpoints import ENDPOINTS, Endpoint
    from akoolflow.akool.exchange import Seams
    from akoolflow.akool.fields import AvatarUpload, Document, KnowledgeFields, KnowledgeFilter, VoiceFilter
    from akoolflow.akool.models import Avatar, ClosedSession, Knowledge, Language, LiveSession, Voice
    from akoolflow.akool.replies import Page
    from akoolflow.akool.service import AkoolService
    from akoolflow.akool.waiting import Patience

__all__ = [
    "BASE_URL",
    "BUSY",
    "CODES",
    "ENDPOINTS",
    "OVER",
    "Account",
    "AkoolClient",
    "AkoolService",
    "Avatar",
    "AvatarUpload",
    "ClosedSession",
    "Code",
    "Document",
    "Endpoint",
    "Knowledge",
    "KnowledgeFields",
    "KnowledgeFilter",
    "Language",
    "LiveSession",
    "Page",
    "Patience",
    "Seams",
    "Voice",
    "VoiceFilter",
]

_HOMES = {
    "account": ("Account",),
    "client": ("AkoolClient", "BASE_URL"),
    "codes": ("BUSY", "CODES", "Code", "OVER"),
    "endpoints": ("ENDPOINTS", "Endpoint"),
    "exchange": ("Seams",),
    "fields": ("AvatarUpload", "Document", "KnowledgeFields", "KnowledgeFilter", "VoiceFilter"),
    "models": ("Avatar", "ClosedSession", "Knowledge", "Language", "LiveSession", "Voice"),
    "replies": ("Page",),
    "service": ("AkoolService",),
    "waiting": ("Patience",),
}


def __getattr__(name: str) -> Any:
    # Imported at first use: who needs the table of codes does not wait for an HTTP library.
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"akoolflow.akool.{home}"), name)
    msg = f"module 'akoolflow.akool' has no attribute {name!r}"
    raise AttributeError(msg)
