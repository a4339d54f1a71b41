from __future__ import annotations

from collections import deque
from collections.abc import Callable
from random import Random
from typing import Any

import anyio
import httpx
import msgspec
import pytest

from akoolflow.akool import Account, AkoolClient, Patience, Seams
from akoolflow.secret import Secret

KEY = "sk-0123456789abcdef"


class Stub:
    """A service that answers as it is told, in order; after that it says yes to everything."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self.pauses: list[float] = []
        self.now_unix_s = 1_700_000_000.0
        self._answers: deque[httpx.Response | Exception] = deque()

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        await anyio.lowlevel.checkpoint()
        self.requests.append(request)
        answer = self._answers.popleft() if self._answers else envelope({})
        if isinstance(answer, Exception):
            raise answer
        return answer

    def answers(self, *answers: httpx.Response | Exception) -> None:
        self._answers.extend(answers)

    def says(self, *data: Any) -> None:
        """Answers with code 1000 and this data, one after the other."""
        self._answers.extend(map(envelope, data))

    @property
    def calls(self) -> list[str]:
        """`POST session/create` and so on, without the path that all share."""
        return [f"{r.method} {r.url.path.removeprefix('/api/open/')}" for r in self.requests]

    @property
    def bodies(self) -> list[Any]:
        return [msgspec.json.decode(request.content) if request.content else None for request in self.requests]

    @property
    def queries(self) -> list[dict[str, str]]:
        return [dict(request.url.params) for request in self.requests]

    async def sleep(self, delay_s: float) -> None:
        self.pauses.append(delay_s)
        await anyio.lowlevel.checkpoint()

    def client(self, account: Account | None = None, **patience: Any) -> AkoolClient:
        """One that asks this service, with a key unless another account is given."""
        return AkoolClient(
            account or Account(api_key=Secret(KEY)),
            patience=Patience(**patience),
            seams=Seams(
                transport=httpx.MockTransport(self), sleep=self.sleep, random=Random(1), unix_s=lambda: self.now_unix_s
            ),
        )


def envelope(data: Any, code: int = 1000, msg: str = "OK") -> httpx.Response:
    return httpx.Response(200, json={"code": code, "msg": msg, "data": data})


@pytest.fixture
def stub() -> Stub:
    return Stub()


@pytest.fixture
def refusal() -> Callable[..., httpx.Response]:
    """An answer with another code than 1000, and none of the data."""

    def refusal(code: int, msg: str = "no", status: int = 200, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return httpx.Response(status, json={"code": code, "msg": msg}, headers=named)

    return refusal
