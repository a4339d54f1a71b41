"""Voices and languages."""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct, field

from akoolflow.simulator.rest.backend import Backend, Caller
from akoolflow.simulator.rest.endpoint import Endpoint, Nothing
from akoolflow.simulator.rest.languages import LANGUAGES
from akoolflow.simulator.rest.paging import Page, Size, page_of
from akoolflow.simulator.rest.seeds import object_id
from akoolflow.simulator.rest.voices import VOICES, Voice, VoiceType, matching

__all__ = ["ENDPOINTS", "Language", "LanguageList", "OldVoice", "VoiceData", "VoicePage"]

_MEDIA: Final = "https://media.simulator.invalid"
_MADE_MS: Final = 1_750_000_000_000
_USABLE: Final = 3
_STREAMS: Final = {1: True, 2: False, None: None}
_OLD_SOURCE: Final[dict[VoiceType, int]] = {2: 3, 1: 4}
"""`from` of v3/voice/list: 3 official, 4 the user's own (documented)."""


class ListVoices(Struct, frozen=True, kw_only=True):
    type: VoiceType
    """1 cloned by the user, 2 AKOOL's own."""
    page: Page = 1
    size: Size = 10
    style: str = ""
    """Words separated by commas; as with the other words, one of them has to fit."""
    gender: str = ""
    age: str = ""
    scenario: str = ""
    name: str = ""
    support_stream: Literal[1, 2] | None = None
    """1 those that stream, 2 those that do not."""


class ListOldVoices(Struct, frozen=True, kw_only=True):
    from_: Literal[3, 4] | None = field(name="from", default=None)


class VoiceData(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: str = field(name="_id")
    uid: int
    team_id: str
    voice_id: str
    gender: str
    language: str
    locale: str
    name: str
    preview: str
    text: str
    duration: int
    """Milliseconds."""
    status: Literal[1, 2, 3, 4] = _USABLE
    create_time: int = _MADE_MS
    update_time: int = _MADE_MS
    style: tuple[str, ...]
    scenario: tuple[str, ...]
    age: tuple[str, ...]
    deduction_credit: float = 0
    webhook_url: str = field(name="webhookUrl", default="")
    voice_model_name: str
    support_stream: bool


class VoicePage(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    result: list[VoiceData]
    count: int
    page: int
    size: int


class OldVoice(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """As v3/voice/list tells of a voice."""

    id: str = field(name="_id")
    create_time: int = _MADE_MS
    uid: int
    from_: int = field(name="from")
    voice_id: str
    gender: str
    name: str
    preview: str


class Language(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    lang_code: str
    lang_name: str
    url: str
    """Of a flag."""


class LanguageList(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    lang_list: list[Language]


def _list(backend: Backend, caller: Caller, asked: ListVoices) -> VoicePage:
    streams = _STREAMS[asked.support_stream]
    words = {"style": asked.style, "gender": asked.gender, "age": asked.age, "scenario": asked.scenario}
    found = matching(asked.type, asked.name, streams=streams, **words)
    page = [_told(backend, caller, voice) for voice in page_of(found, asked.page, asked.size)]
    return VoicePage(result=page, count=len(found), page=asked.page, size=asked.size)


def _told(backend: Backend, caller: Caller, voice: Voice) -> VoiceData:
    seed = backend.switches.simulator.seed
    return VoiceData(
        id=object_id(seed, "voice", voice.voice_id),
        uid=caller.account.uid,
        team_id=object_id(seed, "team", caller.account.uid),
        voice_id=voice.voice_id,
        gender=voice.gender,
        language=voice.language,
        locale=voice.locale,
        name=voice.name,
        preview=_preview(voice),
        text=f"This is the voice of {voice.name}.",
        duration=voice.duration_ms,
        style=voice.style,
        scenario=voice.scenario,
        age=voice.age,
        voice_model_name=voice.model,
        support_stream=voice.streams,
    )


def _old_list(backend: Backend, caller: Caller, asked: ListOldVoices) -> list[OldVoice]:
    seed = backend.switches.simulator.seed
    return [
        OldVoice(
            id=object_id(seed, "voice", voice.voice_id),
            uid=caller.account.uid,
            from_=_OLD_SOURCE[voice.type],
            voice_id=voice.voice_id,
            gender=voice.gender,
            name=voice.name,
            preview=_preview(voice),
        )
        for voice in VOICES
        if asked.from_ in {None, _OLD_SOURCE[voice.type]}
    ]


def _preview(voice: Voice) -> str:
    return f"{_MEDIA}/voice/{voice.voice_id}.mp3"


def _languages(_backend: Backend, _caller: Caller, _asked: Nothing) -> LanguageList:
    told = [
        Language(lang_code=code, lang_name=name, url=f"{_MEDIA}/flags/{code}.png") for code, name in LANGUAGES.items()
    ]
    return LanguageList(lang_list=told)


ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        name="v4/voice/list",
        summary="The voices of one type.",
        takes=ListVoices,
        gives=VoicePage,
        handle=_list,
    ),
    Endpoint(
        method="GET",
        name="v3/voice/list",
        summary="The older list of voices, whole.",
        takes=ListOldVoices,
        gives=list[OldVoice],
        handle=_old_list,
        ok="ok",
    ),
    Endpoint(
        method="GET",
        name="v3/language/list",
        summary="The languages that sessions take.",
        gives=LanguageList,
        handle=_languages,
    ),
)
