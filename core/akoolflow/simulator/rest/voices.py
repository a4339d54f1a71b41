"""The voices: a small stock and two clones, enough to see every filter at work. All but one id are made up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, TypeAlias

from msgspec import Struct

__all__ = ["VOICES", "Voice", "VoiceType", "is_streaming", "matching"]

VoiceType: TypeAlias = Literal[1, 2]
"""1 cloned by a user, 2 AKOOL's own."""

_STREAMING_MODELS: Final = frozenset({"Akool Multilingual 1", "Akool Multilingual 3"})
"""Documented."""


class Voice(Struct, frozen=True, kw_only=True):
    voice_id: str
    name: str
    type: VoiceType = 2
    gender: str
    language: str = "English"
    locale: str = "en"
    style: tuple[str, ...]
    scenario: tuple[str, ...]
    age: tuple[str, ...]
    model: str = "Akool Multilingual 1"
    duration_ms: int = 8000

    @property
    def streams(self) -> bool:
        return self.model in _STREAMING_MODELS


VOICES: Final = (
    Voice(
        voice_id="iP95p4xoKVk53GoZ742B",
        name="Chris",
        gender="Male",
        style=("Calm", "Confident"),
        scenario=("Education",),
        age=("Middle",),
    ),
    Voice(
        voice_id="simVoiceAda000000001",
        name="Ada",
        gender="Female",
        style=("Calm", "Authoritative"),
        scenario=("Education", "Advertisement"),
        age=("Middle",),
    ),
    Voice(
        voice_id="simVoiceBen000000002",
        name="Ben",
        gender="Male",
        style=("Enthusiastic",),
        scenario=("Advertisement",),
        age=("Young",),
        model="Akool Multilingual 3",
    ),
    Voice(
        voice_id="simVoiceClara0000003",
        name="Clara",
        gender="Female",
        language="Spanish",
        locale="es",
        style=("Confident",),
        scenario=("Advertisement",),
        age=("Young", "Middle"),
        model="Akool Multilingual 3",
    ),
    Voice(
        voice_id="simVoiceDiego0000004",
        name="Diego",
        gender="Male",
        language="Spanish",
        locale="es",
        style=("Authoritative",),
        scenario=("Education",),
        age=("Elderly",),
        model="Akool Multilingual 2",
    ),
    Voice(
        voice_id="simCloneEllen0000005",
        name="Ellen, cloned",
        type=1,
        gender="Female",
        style=("Calm",),
        scenario=("Education",),
        age=("Elderly",),
        model="Akool Multilingual 3",
    ),
    Voice(
        voice_id="simCloneFred00000006",
        name="Fred, cloned",
        type=1,
        gender="Male",
        style=("Calm",),
        scenario=("Advertisement",),
        age=("Middle",),
        model="Akool Multilingual 2",
    ),
)

_BY_ID: Final = {voice.voice_id: voice for voice in VOICES}


def is_streaming(voice_id: str) -> bool | None:
    """Whether a session may have this voice; None if the simulator does not list it."""
    voice = _BY_ID.get(voice_id)
    return None if voice is None else voice.streams


def matching(kind: VoiceType, name: str = "", *, streams: bool | None = None, **words: str) -> Sequence[Voice]:
    """The voices of one type that fit every filter.

    :param name: any part of the name, in any case.
    :param words: for `style`, `gender`, `age` and `scenario`, words separated by commas; one of them has to fit.
    """
    wanted = {field: _split(text) for field, text in words.items()}
    return [
        voice
        for voice in VOICES
        if voice.type == kind
        and name.casefold() in voice.name.casefold()
        and streams in {None, voice.streams}
        and all(not some or some & _words(voice, field) for field, some in wanted.items())
    ]


def _words(voice: Voice, field: str) -> frozenset[str]:
    value: str | tuple[str, ...] = getattr(voice, field)
    return frozenset(word.casefold() for word in ((value,) if isinstance(value, str) else value))


def _split(text: str) -> frozenset[str]:
    return frozenset(word.strip().casefold() for word in text.split(",") if word.strip())
