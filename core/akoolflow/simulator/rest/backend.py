"""Everything behind the REST calls: accounts, credits, avatars, knowledge bases and sessions. No clock, no socket."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from akoolflow.contracts import SessionRequest
from akoolflow.secret import MASK
from akoolflow.simulator.params import settings_of
from akoolflow.simulator.rest.accounts import Account, Accounts
from akoolflow.simulator.rest.avatars import Avatars, Upload
from akoolflow.simulator.rest.codes import refused
from akoolflow.simulator.rest.credentials import check_own_room
from akoolflow.simulator.rest.knowledge import KnowledgeBase, KnowledgeBases
from akoolflow.simulator.rest.ledger import Balance, Hold, Ledger
from akoolflow.simulator.rest.options import Switches
from akoolflow.simulator.rest.shelf import Shelf
from akoolflow.simulator.rest.voices import is_streaming
from akoolflow.simulator.sessions import FAILED, OVER, Service, SessionRecord, Status

__all__ = ["Backend", "Caller", "Shelves"]

_STATES: Final = {"unpaid": 1103, "unsubscribed": 1221}
"""Why an account may not open sessions (codes documented)."""


class Shelves:
    """All that the service remembers."""

    def __init__(self) -> None:
        self.sessions = Shelf("session", SessionRecord)
        self.holds = Shelf("hold", Hold)
        self.balances = Shelf("balance", Balance)
        self.uploads = Shelf("upload", Upload)
        self.knowledge = Shelf("knowledge", KnowledgeBase)

    def __iter__(self) -> Iterator[Shelf[Any]]:
        return iter((self.sessions, self.holds, self.balances, self.uploads, self.knowledge))


class Caller(Struct, frozen=True, kw_only=True):
    account: Account
    now: float
    """Seconds since 1970; no call may be earlier than one before it."""


class Backend:
    def __init__(self, switches: Switches, shelves: Shelves | None = None) -> None:
        """:param shelves: what an earlier one remembered; its open sessions go on."""
        shelves = Shelves() if shelves is None else shelves
        simulator, service = switches.simulator, switches.service
        self.switches: Final = switches
        self.shelves: Final = shelves
        self.accounts: Final = Accounts(switches.account, service, simulator.seed)
        self.ledger: Final = Ledger(service, shelves.balances, shelves.holds)
        self.knowledge: Final = KnowledgeBases(shelves.knowledge, simulator.seed)
        self.avatars: Final = Avatars(simulator, service, shelves.uploads, self._is_free)
        self._sessions = Service(simulator, records=shelves.sessions, avatars=self.avatars, on_end=self._settle)

    def open(self, caller: Caller, request: SessionRequest) -> SessionRecord:
        """:raises ServiceRefused: before anything was charged or taken."""
        account, simulator, now = caller.account, self.switches.simulator, caller.now
        if account.state in _STATES:
            raise refused(_STATES[account.state])
        settings_of(request, simulator)
        if request.credentials:
            request = replace(request, credentials=check_own_room(request.stream_type, request.credentials))
        self._check_voice(request)
        if request.knowledge_id:
            self.knowledge.find(account.uid, request.knowledge_id)
        self.avatars.usable(account.uid, request.avatar_id, now)
        self._sessions.check(request, now)
        self._check_number(caller)
        duration_s = simulator.default_duration_s if request.duration is None else request.duration
        self.ledger.check(account, duration_s)
        record = self._sessions.create(_without_key(request), now, owner=account.uid)
        self.ledger.charge(account, record.id, duration_s)
        return record

    def session(self, caller: Caller, session_id: str) -> SessionRecord:
        """:raises ServiceRefused: 1216, this account has none with this id."""
        record = self._sessions.detail(session_id, caller.now)
        if record.owner != caller.account.uid:
            raise refused(1216)
        return record

    def sessions(self, caller: Caller, status: Status | None = None) -> list[SessionRecord]:
        """The account's, newest first."""
        found = self._sessions.sessions(caller.now, status=status)
        return [record for record in found if record.owner == caller.account.uid]

    def close(self, caller: Caller, session_id: str) -> None:
        """:raises ServiceRefused: 1216 for one that is not the account's, `closed_code` for one that is over."""
        record = self.session(caller, session_id)
        if record.status in {OVER, FAILED}:
            code = self.switches.service.closed_code
            if code != 1000:
                raise refused(code, f"session {session_id} is over")
        self._sessions.close(session_id, caller.now)

    def all_sessions(self, now: float) -> list[SessionRecord]:
        """Of every account, newest first."""
        return self._sessions.sessions(now)

    def fail(self, session_id: str, now: float) -> bool:
        """End a session with status 4; False if there is none, or it was over already."""
        return self._sessions.fail(session_id, now)

    def settle(self, now: float) -> None:
        """Let what is due by now happen: avatars join, durations run out, credits come back."""
        self._sessions.sessions(now)

    def _is_free(self, avatar_id: str, now: float) -> bool:
        return self._sessions.is_free(avatar_id, now)

    def _settle(self, record: SessionRecord) -> None:
        self.ledger.settle(record.id, record.ends_s - record.created_s)

    def _check_voice(self, request: SessionRequest) -> None:
        own_voice = (request.voice_params or {}).get("elevenlabs_settings")
        if not request.voice_id or own_voice:
            return
        streams = is_streaming(request.voice_id)
        if streams is False:
            raise refused(1003, f"voice {request.voice_id!r} cannot be used with streaming avatars")
        if streams is None and self.switches.service.unknown_voice == "refused":
            raise refused(1014, f"voice {request.voice_id!r}", "the switch `unknown_voice` can let it pass")

    def _check_number(self, caller: Caller) -> None:
        most = self.switches.service.sessions_per_account
        if most is not None:
            is_open = sum(hold.uid == caller.account.uid for hold in self.shelves.holds.values())
            if is_open >= most:
                raise refused(1006, f"{is_open} sessions are open, as many as the account may have")


def _without_key(request: SessionRequest) -> SessionRequest:
    """Nobody here speaks with ElevenLabs, so its key is not kept."""
    voice = request.voice_params or {}
    own = voice.get("elevenlabs_settings")
    if not own or not own.get("api_key"):
        return request
    return replace(request, voice_params={**voice, "elevenlabs_settings": {**own, "api_key": MASK}})
