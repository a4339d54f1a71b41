"""Schema-driven fuzzing: requests made from the OpenAPI document, good ones and bad ones, over a real connection.

Schemathesis would have a bad request answered with an HTTP status of 4xx; the service answers with 200 and a code, and
that is checked here instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.core.parameters import ParameterLocation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from akoolflow.simulator.options import STOCK_AVATARS, SimulatorOptions
from akoolflow.simulator.rest.endpoints import ENDPOINTS
from akoolflow.simulator.rest.openapi import document, operation_of
from akoolflow.simulator.rest.options import ServiceOptions, Switches
from akoolflow.simulator.web import control
from akoolflow.simulator.web.server import RunningSimulator, running_simulator

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
BREAKS_BY_DESIGN = {("put", "/simulator/faults")}


def fuzzed() -> dict[str, Any]:
    """The document without its keys, which would else be fuzzed and stop nearly every request at the door, and with
    the avatars that there are.
    """
    told = deepcopy(document([*map(operation_of, ENDPOINTS), *control.OPERATIONS], "1"))
    for path, operations in told["paths"].items():
        for method in list(operations):
            operations[method].pop("security", None)
            if (method, path) in BREAKS_BY_DESIGN:
                del operations[method]
    told["components"]["schemas"]["CreateSession"]["properties"]["avatar_id"] = {"enum": list(STOCK_AVATARS)}
    return told


SCHEMA = schemathesis.openapi.from_dict(fuzzed())
NEGATIVE = schemathesis.GenerationMode.NEGATIVE


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[RunningSimulator, requests.Session]]:
    crowd = SimulatorOptions(sessions_per_avatar=100_000)
    switches = Switches(simulator=crowd, service=ServiceOptions(credits_per_minute=0))
    with running_simulator(switches) as simulator, requests.Session() as session:
        session.headers["x-api-key"] = simulator.api_key
        yield simulator, session


@SCHEMA.parametrize()
@settings(max_examples=20, deadline=None, derandomize=True)
def test_every_answer_is_as_described(case: Case[Any], running: tuple[RunningSimulator, requests.Session]) -> None:
    simulator, session = running
    response = case.call(base_url=simulator.base_url, session=session)
    case.validate_response(response, checks=CHECKS)
    if response.status_code == 200 and breaks_the_schema_of_its_body(case):
        assert "/simulator/" not in case.path
        assert response.json()["code"] != 1000


def breaks_the_schema_of_its_body(case: Case[Any]) -> bool:
    body = case.meta.components.get(ParameterLocation.BODY) if case.meta else None
    return body is not None and body.mode is NEGATIVE
