"""getToken: the legacy way in."""

from __future__ import annotations

from typing import Final

from msgspec import Struct, field

from akoolflow.simulator.rest.backend import Backend, Caller
from akoolflow.simulator.rest.endpoint import Answer, Endpoint

__all__ = ["ENDPOINTS", "GetToken"]


class GetToken(Struct, frozen=True, kw_only=True):
    client_id: str = field(name="clientId", default="")
    client_secret: str = field(name="clientSecret", default="")


def _get_token(backend: Backend, caller: Caller, asked: GetToken) -> Answer:
    return Answer(token=backend.accounts.token(asked.client_id, asked.client_secret, caller.now))


ENDPOINTS: Final = (
    Endpoint(
        method="POST",
        name="v3/getToken",
        summary="A token for `Authorization: Bearer`. The only reply that is flat: no `data`, and no `msg`.",
        takes=GetToken,
        handle=_get_token,
        is_open=True,
    ),
)
