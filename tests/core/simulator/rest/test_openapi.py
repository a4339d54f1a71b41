"""The OpenAPI document says what there is, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from akoolflow.simulator.options import STOCK_AVATARS
from akoolflow.simulator.rest.accounts import NOBODY
from akoolflow.simulator.rest.backend import Backend
from akoolflow.simulator.rest.endpoint import Asked, Endpoint, answer
from akoolflow.simulator.rest.endpoints import ENDPOINTS
from akoolflow.simulator.rest.openapi import document, operation_of
from akoolflow.simulator.rest.options import ServiceOptions, Switches

Make = Callable[..., Any]
DOCUMENT = document([operation_of(endpoint) for endpoint in ENDPOINTS], "1")
INDEX = {
    "POST /api/open/v3/getToken",
    "POST /api/open/v3/avatar/create",
    "GET /api/open/v4/liveAvatar/avatar/list",
    "GET /api/open/v4/liveAvatar/avatar/detail",
    "POST /api/open/v4/liveAvatar/session/create",
    "GET /api/open/v4/liveAvatar/session/detail",
    "POST /api/open/v4/liveAvatar/session/close",
    "GET /api/open/v4/liveAvatar/session/list",
    "GET /api/open/v4/knowledge/list",
    "POST /api/open/v4/knowledge/create",
    "GET /api/open/v4/knowledge/detail",
    "POST /api/open/v4/knowledge/update",
    "DELETE /api/open/v4/knowledge/delete",
    "GET /api/open/v4/voice/list",
    "GET /api/open/v3/language/list",
    "GET /api/open/v3/avatar/list",
    "GET /api/open/v3/avatar/detail",
    "GET /api/open/v3/voice/list",
}


def refs(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from ([value["$ref"]] if "$ref" in value else ())
        for item in value.values():
            yield from refs(item)
    elif isinstance(value, list):
        for item in value:
            yield from refs(item)


def reply_schema(endpoint: Endpoint) -> dict[str, Any]:
    operation = DOCUMENT["paths"][endpoint.path][endpoint.method.lower()]
    schema: dict[str, Any] = operation["responses"]["200"]["content"]["application/json"]["schema"]
    return {**schema, "components": DOCUMENT["components"]}


def test_every_documented_call_is_served_and_described() -> None:
    described = {f"{method.upper()} {path}" for path, each in DOCUMENT["paths"].items() for method in each}
    assert INDEX - described == set()


def test_every_reference_leads_somewhere() -> None:
    known = {f"#/components/schemas/{name}" for name in DOCUMENT["components"]["schemas"]}
    assert set(refs(DOCUMENT)) - known == set()


def test_every_schema_is_one() -> None:
    for schema in DOCUMENT["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


def test_all_but_get_token_need_a_key() -> None:
    is_open = {path for path, each in DOCUMENT["paths"].items() for told in each.values() if "security" not in told}
    assert is_open == {"/api/open/v3/getToken"}


@pytest.mark.parametrize("endpoint", [each for each in ENDPOINTS if not each.is_open], ids=lambda each: each.name)
def test_no_call_is_answered_without_a_key(endpoint: Endpoint) -> None:
    assert answer(Backend(Switches()), endpoint, Asked(), 0.0)[0].code == 1102


def test_a_refusal_by_http_status_is_described_where_it_is_switched_on() -> None:
    operation = operation_of(ENDPOINTS[1], auth_status=401)
    assert "401" in document([operation], "1")["paths"][ENDPOINTS[1].path]["post"]["responses"]


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(["", STOCK_AVATARS[0], "agora", "livekit", "trtc", "fast_dialogue", "meeting", "2", "1"])
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def inputs(endpoint: Endpoint) -> st.SearchStrategy[Any]:
    names = [field.encode_name for field in msgspec.structs.fields(endpoint.takes)] or ["nothing"]
    if endpoint.method == "GET":
        texts = st.text(max_size=6) | st.sampled_from(["1", "2", "100", "-1", "", "1e9", "null"])
        return st.dictionaries(st.sampled_from(names) | st.text(max_size=4), texts, max_size=4)
    return st.dictionaries(st.sampled_from(names) | st.text(max_size=4), VALUES, max_size=6) | VALUES


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda each: each.name)
@settings(max_examples=40)
@given(data=st.data())
def test_whatever_is_asked_the_answer_is_as_described(endpoint: Endpoint, data: st.DataObject) -> None:
    backend = Backend(Switches(service=ServiceOptions(credits_per_minute=0)))
    key = next(iter(backend.accounts)).client_secret
    validator = jsonschema.Draft202012Validator(reply_schema(endpoint))
    for now in (1e9, 1e9 + 100):
        asked = Asked(api_key=key, parameters=data.draw(inputs(endpoint)))
        told, uid = answer(backend, endpoint, asked, now)
        validator.validate(msgspec.json.decode(msgspec.json.encode(told)))
        assert uid in {100010, NOBODY.uid}


def test_names_are_paths_and_told_once() -> None:
    names = [each.name for each in ENDPOINTS]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"v[34](/[A-Za-z]+)+", name) for name in names)


def happy(world: Any, name: str) -> dict[str, Any]:
    """Parameters that the call answers with success; what it needs is made first."""
    video = {"url": "https://x/y.mp4", "avatar_id": "Me1", "name": "Me", "type": 2, "url_from": 1}
    noun, _, call = name.rpartition("/")
    if noun == "v4/liveAvatar/session" and call in {"detail", "close", "list"}:
        session = world.create().data.id
        return {} if call == "list" else {"id": session}
    if noun == "v4/knowledge" and call in {"detail", "update", "delete"}:
        return {"id": world.ask("v4/knowledge/create", {"name": "KB"}).data.id}
    if name == "v3/avatar/detail":
        return {"id": world.ask("v3/avatar/create", video).data.id}
    asked: dict[str, dict[str, Any]] = {
        "v3/getToken": {"clientId": "the-id", "clientSecret": "the-key"},
        "v3/avatar/create": video,
        "v4/liveAvatar/avatar/detail": {"avatar_id": STOCK_AVATARS[0]},
        "v4/liveAvatar/session/create": {"avatar_id": STOCK_AVATARS[0]},
        "v4/voice/list": {"type": "2"},
    }
    return asked.get(name, {})


@pytest.mark.parametrize("endpoint", [each for each in ENDPOINTS if "v3/live" not in each.name], ids=lambda e: e.name)
def test_every_success_is_as_described_to_the_last_key(world: Make, endpoint: Endpoint) -> None:
    one = world()
    told = msgspec.json.decode(msgspec.json.encode(one.ask(endpoint.name, happy(one, endpoint.name))))
    assert told["code"] == 1000
    validator = jsonschema.Draft202012Validator(reply_schema(endpoint))
    validator.validate(told)
    assert not validator.is_valid({**told, "more": 1})


def test_get_token_is_flat(world: Make) -> None:
    told = msgspec.json.decode(msgspec.json.encode(world().ask("v3/getToken", happy(None, "v3/getToken"))))
    assert set(told) == {"code", "token"}
