from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from akoolflow.contracts import SessionRequest
from akoolflow.secret import Secret
from akoolflow.simulator.options import STOCK_AVATARS, SimulatorOptions
from akoolflow.simulator.rest.backend import Backend, Caller
from akoolflow.simulator.rest.endpoint import Answer, Asked, answer
from akoolflow.simulator.rest.endpoints import ENDPOINTS
from akoolflow.simulator.rest.options import AccountOptions, ServiceOptions, Switches

NOW = 1_800_000_000.0
KEY = "the-key"
OTHER_KEY = "another-key"
ACCOUNTS = (
    AccountOptions(client_id="the-id", client_secret=Secret(KEY), credits=1000),
    AccountOptions(uid=100011, name="other", client_id="another-id", client_secret=Secret(OTHER_KEY), credits=1000),
)


class World:
    """A backend at a time, and calls to it by name."""

    def __init__(self, switches: Switches) -> None:
        self.switches = switches
        self.backend = Backend(self.switches)
        self.now = NOW

    @property
    def caller(self) -> Caller:
        return self.caller_of(self.switches.account[0].uid)

    def caller_of(self, uid: int) -> Caller:
        account = next(each for each in self.backend.accounts if each.uid == uid)
        return Caller(account=account, now=self.now)

    @property
    def credits(self) -> float:
        return self.backend.ledger.credits(self.caller.account)

    def ask(self, name: str, parameters: Any = None, *, key: str = KEY, authorization: str = "") -> Answer:
        (endpoint,) = (each for each in ENDPOINTS if each.name == name)
        asked = Asked(api_key=key, authorization=authorization, parameters=parameters or {})
        return answer(self.backend, endpoint, asked, self.now)[0]

    def create(self, **fields: Any) -> Answer:
        return self.ask("v4/liveAvatar/session/create", {"avatar_id": STOCK_AVATARS[0]} | fields)

    def request(self, **fields: Any) -> SessionRequest:
        return SessionRequest(**{"avatar_id": STOCK_AVATARS[0]} | fields)


@pytest.fixture
def world() -> Callable[..., World]:
    """Make one: `world(no_credit_code=1006)`; switches of the simulator come as `simulator`."""

    def made(
        simulator: SimulatorOptions | None = None, account: tuple[AccountOptions, ...] = ACCOUNTS, **service: Any
    ) -> World:
        return World(
            Switches(simulator=simulator or SimulatorOptions(), service=ServiceOptions(**service), account=account)
        )

    return made
