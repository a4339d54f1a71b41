"""A stand-in for the AKOOL live avatar service: the avatar, its room and the session service, in process."""

from __future__ import annotations

from akoolflow.simulator.avatar import Avatar
from akoolflow.simulator.mouth import Spoken
from akoolflow.simulator.options import STOCK_AVATARS, SimulatorOptions
from akoolflow.simulator.params import Settings, settings_of
from akoolflow.simulator.room import Participant, Room
from akoolflow.simulator.service import InProcessService
from akoolflow.simulator.sessions import Service, SessionRecord

__all__ = [
    "STOCK_AVATARS",
    "Avatar",
    "InProcessService",
    "Participant",
    "Room",
    "Service",
    "SessionRecord",
    "Settings",
    "SimulatorOptions",
    "Spoken",
    "settings_of",
]
