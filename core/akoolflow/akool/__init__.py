"""A client of AKOOL's REST API, usable alone.

async with AkoolClient(Account(api_key=Secret(key))) as akool:
    async for avatar in akool.avatars.all():
        print(avatar.avatar_id, avatar.available)
    session = await akool.sessions.create(SessionRequest(avatar_id="dvp_Tristan_cloth2_1080P", duration=60))
    await akool.sessions.close(session.id)
"""

from __future__ import annotations

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
