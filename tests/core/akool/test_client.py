"""The client as a whole: where it goes, who may use it, and that no secret leaves it."""

from __future__ import annotations

import logging
import subprocess
import sys
import traceback
from typing import Any

import anyio
import httpx
import pytest

from akoolflow import akool
from akoolflow.akool import BASE_URL, ENDPOINTS, Account, AkoolClient, AkoolService, Seams
from akoolflow.contracts import SessionRequest
from akoolflow.errors import OptionInvalid, ServiceError
from akoolflow.secret import Secret

pytestmark = pytest.mark.anyio
ACCOUNT = Account(api_key=Secret("sk-1"))


@pytest.mark.parametrize(
    ("base_url", "asked"),
    [
        (BASE_URL, "https://openapi.akool.com/api/open/v3/language/list"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/api/open/v3/language/list"),
        ("http://localhost:8080/", "http://localhost:8080/api/open/v3/language/list"),
        ("https://proxy.test/akool/", "https://proxy.test/akool/api/open/v3/language/list"),
        (" https://x.test\n", "https://x.test/api/open/v3/language/list"),
        ("http://[::1]:9/", "http://[::1]:9/api/open/v3/language/list"),
    ],
)
async def test_every_path_begins_at_base_url(base_url: str, asked: str, stub: Any) -> None:
    stub.says([])
    async with AkoolClient(ACCOUNT, base_url=base_url, seams=Seams(transport=httpx.MockTransport(stub))) as client:
        await client.languages.all()
    assert [str(request.url) for request in stub.requests] == [asked]


@pytest.mark.parametrize(
    "base_url",
    ["", "openapi.akool.com", "ftp://x.test", "https://", "https://me:pw@x.test", "https://x.test/?a=b", "https://x.test/#a",
     "http://x.test:99999", "http://[::1", "https://x test"],
)  # fmt: skip
async def test_a_base_url_that_is_none_is_refused(base_url: str) -> None:
    with pytest.raises(OptionInvalid) as caught:
        AkoolClient(ACCOUNT, base_url=base_url)
    assert caught.value.key == ("base_url",)
    assert "pw" not in str(caught.value)


async def test_a_key_that_would_travel_in_the_clear_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    for base_url in ("https://x.test", "http://127.0.0.1:1"):
        AkoolClient(ACCOUNT, base_url=base_url)
    assert caplog.messages == []
    AkoolClient(ACCOUNT, base_url="http://x.test")
    assert caplog.messages == ["base_url http://x.test is not encrypted: the key goes over the network as it is"]


async def test_it_is_used_inside_its_block_only(stub: Any) -> None:
    client = stub.client()
    with pytest.raises(RuntimeError, match="async with"):
        await client.languages.all()
    async with client:
        await client.knowledge.delete("k1")
    with pytest.raises(RuntimeError, match="async with"):
        await client.knowledge.delete("k1")
    login = stub.client(Account(client_id="id", client_secret=Secret("secret")))
    with pytest.raises(RuntimeError, match="async with"):
        await login.get_token()


async def test_entered_twice_it_is_closed_by_the_last_exit(stub: Any) -> None:
    async with stub.client() as client:
        async with AkoolService(client):
            await client.knowledge.delete("k1")
        await client.knowledge.delete("k2")
    assert len(stub.requests) == 2


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_it_may_be_built_before_any_loop_runs_and_used_on_one_after_the_other(backend: str, stub: Any) -> None:
    client = stub.client(Account(client_id="id", client_secret=Secret("secret")))

    async def work() -> None:
        stub.answers(httpx.Response(200, json={"code": 1000, "token": "tok"}))
        async with client, anyio.create_task_group() as tasks:
            for number in range(3):
                tasks.start_soon(client.knowledge.delete, f"k{number}")

    anyio.run(work, backend=backend)
    anyio.run(work, backend=backend)
    assert stub.calls.count("DELETE v4/knowledge/delete") == 6


async def test_it_can_be_entered_again(stub: Any) -> None:
    client = stub.client()
    for _ in range(2):
        async with client:
            await client.knowledge.delete("k1")
    assert len(stub.requests) == 2


async def test_it_is_closed_under_cancellation_too() -> None:
    closed = []

    class Transport(httpx.MockTransport):
        async def aclose(self) -> None:
            await anyio.lowlevel.checkpoint()
            closed.append(True)

    with anyio.CancelScope() as scope:
        async with AkoolClient(ACCOUNT, seams=Seams(transport=Transport(lambda _: httpx.Response(200)))):
            scope.cancel()
            await anyio.lowlevel.checkpoint()
    assert closed == [True]


# -- secrets -----------------------------------------------------------------------------------

SECRETS = {
    "api key": "sk-key-0123456789",
    "client secret": "cs-secret-0123456789",
    "token": "eyJ0b2tlbg.eyJ4IjoxfQ.dG9rZW4",
    "user sig": "eJw-user-sig-0123456789",
    "elevenlabs": "el-0123456789abcdef",
    "byo token": "lk-token-0123456789",
}
REQUEST = SessionRequest(
    avatar_id="a1",
    stream_type="livekit",
    voice_params={"elevenlabs_settings": {"api_key": SECRETS["elevenlabs"]}},
    credentials={"livekit_url": "wss://x.test", "livekit_token": SECRETS["byo token"]},
)
ACCOUNTS = [
    Account(api_key=Secret(SECRETS["api key"])),
    Account(client_id="id", client_secret=Secret(SECRETS["client secret"])),
    Account(token=Secret(SECRETS["token"])),
]


def _answers(code: int, status: int) -> httpx.MockTransport:
    """A service that repeats everything it was sent, and more, in whatever it says."""

    def answer(request: httpx.Request) -> httpx.Response:
        echo = f"{request.headers} {request.content.decode()} {' '.join(SECRETS.values())} {dict(request.headers)}"
        if request.url.path.endswith("getToken"):
            return httpx.Response(200, json={"code": 1000, "token": SECRETS["token"], "note": echo})
        data = {"_id": "s1", "credentials": {"trtc_user_sig": SECRETS["user sig"]}, "note": echo}
        body = {"code": code, "msg": echo, "data": data, "token": SECRETS["token"]}
        return httpx.Response(status, json=body, headers={"location": f"https://x.test/?{SECRETS['api key']}"})

    return httpx.MockTransport(answer)


@pytest.mark.parametrize(("code", "status"), [(1000, 200), (1003, 200), (1215, 500), (1000, 302), (7, 401)])
@pytest.mark.parametrize("account", ACCOUNTS, ids=["key", "login", "token"])
async def test_no_secret_is_found_in_logs_errors_or_reprs_though_the_service_echoes_them(
    account: Account, code: int, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    written: list[str] = []
    with caplog.at_level(logging.DEBUG):
        async with AkoolClient(account, seams=Seams(transport=_answers(code, status))) as client:
            for call in (client.sessions.create, AkoolService(client).create):
                try:
                    written.append(repr(await call(REQUEST)))
                except ServiceError as error:
                    written += [str(error), repr(error), *traceback.format_exception(error), repr(vars(error))]
                written += [repr(client), repr(account), str(vars(client)), repr(client.sessions)]
    everything = "\n".join([*written, *caplog.messages, *(repr(entry.args) for entry in caplog.records)])
    assert "session/create" in everything
    # What the service says of secrets that neither side has sent, nobody can know for one.
    known = {*account.secrets(), *(SECRETS[name] for name in ("elevenlabs", "byo token", "user sig", "token"))}
    assert [secret for secret in known if secret in everything] == []


async def test_each_endpoint_stands_in_the_table_once() -> None:
    assert len({endpoint.name for endpoint in ENDPOINTS}) == len(ENDPOINTS)
    assert len({(endpoint.method, endpoint.path) for endpoint in ENDPOINTS}) == len(ENDPOINTS)


async def test_only_what_creates_or_changes_is_never_repeated() -> None:
    assert {endpoint.name for endpoint in ENDPOINTS if not endpoint.repeatable} == {
        "session/create",
        "avatar/create",
        "knowledge/create",
        "knowledge/update",
    }


def test_the_package_offers_what_its_list_says() -> None:
    assert {name for names in akool._HOMES.values() for name in names} == set(akool.__all__)
    assert all(getattr(akool, name) is not None for name in akool.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = akool.Nothing


def test_the_table_of_codes_is_there_without_an_http_library() -> None:
    code = "import sys; from akoolflow.akool import CODES; sys.exit('httpx' in sys.modules or 1215 not in CODES)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
