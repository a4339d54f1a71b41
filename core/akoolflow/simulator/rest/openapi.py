"""The OpenAPI document, made from the same types that read the requests and write the replies."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec
from msgspec import Struct

from akoolflow.simulator.params import CreateVoiceParams, FastVoiceParams
from akoolflow.simulator.rest.endpoint import OK, Endpoint, Nothing

__all__ = ["Operation", "document", "operation_of"]

_REF: Final = "#/components/schemas/{name}"
_JSON: Final = "application/json"
_REFUSAL: Final = {
    "title": "Refusal",
    "description": "Any code but 1000. It comes with HTTP status 200.",
    "type": "object",
    "required": ["code", "msg"],
    "properties": {"code": {"type": "integer", "not": {"const": OK}}, "msg": {"type": "string"}},
    "additionalProperties": False,
}
_SECURITY: Final = {
    "apiKey": {"type": "apiKey", "in": "header", "name": "x-api-key"},
    "bearer": {"type": "http", "scheme": "bearer", "description": "A token of getToken; it goes before x-api-key."},
}


class Operation(Struct, frozen=True, kw_only=True):
    method: str
    path: str
    summary: str
    tag: str
    takes: Any = Nothing
    """A type: of the query with GET, else of the body."""
    replies: dict[str, Any]
    """By HTTP status: a type, or a dict that is a schema itself."""
    is_open: bool = True
    """Whether it needs no key."""


def operation_of(endpoint: Endpoint, *, auth_status: int = 200) -> Operation:
    refusal = {"$ref": _REF.format(name="Refusal")}
    replies: dict[str, Any] = {"200": {"oneOf": [_success(endpoint), refusal]}}
    if endpoint.method != "GET":
        replies["413"] = refusal
    if auth_status != 200 and not endpoint.is_open:
        replies[str(auth_status)] = refusal
    return Operation(
        method=endpoint.method,
        path=endpoint.path,
        summary=endpoint.summary,
        tag=endpoint.name.split("/")[-2] if "/" in endpoint.name.partition("/")[2] else "token",
        takes=endpoint.takes,
        replies=replies,
        is_open=endpoint.is_open,
    )


def document(operations: Iterable[Operation], version: str) -> dict[str, Any]:
    operations = list(operations)
    types = [CreateVoiceParams, FastVoiceParams, *(kind for each in operations for kind in _types(each))]
    _, components = msgspec.json.schema_components(types, ref_template=_REF)
    paths: dict[str, dict[str, Any]] = {}
    for each in operations:
        paths.setdefault(each.path, {})[each.method.lower()] = _told(each)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "A stand-in for the AKOOL live avatar service",
            "version": version,
            "description": "Business errors come with HTTP status 200 and a `code` other than 1000.",
        },
        "paths": paths,
        "components": {"schemas": {**components, "Refusal": _REFUSAL}, "securitySchemes": _SECURITY},
    }


def _success(endpoint: Endpoint) -> dict[str, Any]:
    properties: dict[str, Any] = {"code": {"const": OK}}
    properties["token" if endpoint.is_open else "msg"] = {"type": "string"}
    required = list(properties)
    if endpoint.gives is not None:
        properties["data"] = endpoint.gives
        required += [] if endpoint.may_give_nothing else ["data"]
    return {"type": "object", "required": required, "properties": properties, "additionalProperties": False}


def _types(operation: Operation) -> Iterable[Any]:
    if operation.method != "GET" and operation.takes is not Nothing:
        yield operation.takes
    yield from _types_in(operation.replies)


def _types_in(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        for item in value.values():
            yield from _types_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from _types_in(item)
    elif not isinstance(value, str | int | bool | None):
        yield value


def _told(operation: Operation) -> dict[str, Any]:
    told: dict[str, Any] = {
        "operationId": f"{operation.method.lower()}:{operation.path}",
        "summary": operation.summary,
        "tags": [operation.tag],
        "responses": {status: _response(status, kind) for status, kind in operation.replies.items()},
    }
    if not operation.is_open:
        told["security"] = [{name: []} for name in _SECURITY]
    if operation.takes is Nothing:
        return told
    if operation.method == "GET":
        told["parameters"] = list(_parameters(operation.takes))
    else:
        content = {_JSON: {"schema": _schema(operation.takes)}}
        told["requestBody"] = {"required": _is_needed(operation.takes), "content": content}
    return told


def _is_needed(body: Any) -> bool:
    """An empty body counts as an object without keys."""
    return not isinstance(body, type) or any(field.required for field in msgspec.structs.fields(body))


def _response(status: str, kind: Any) -> dict[str, Any]:
    descriptions = {"200": "Success or refusal", "401": "No valid key or token", "413": "The body is too big"}
    return {"description": descriptions.get(status, "Refused"), "content": {_JSON: {"schema": _schema(kind)}}}


def _parameters(takes: type[Struct]) -> Iterable[dict[str, Any]]:
    _, components = msgspec.json.schema_components([takes], ref_template=_REF)
    schema = components[takes.__name__]
    for name, each in schema["properties"].items():
        yield {"name": name, "in": "query", "required": name in schema["required"], "schema": _not_null(each)}


def _not_null(schema: dict[str, Any]) -> dict[str, Any]:
    """There is no null in a query."""
    given = [each for each in schema.get("anyOf", ()) if each != {"type": "null"}]
    if len(given) == 1:
        return dict(given[0])
    if None in schema.get("enum", ()):
        return {"enum": [value for value in schema["enum"] if value is not None]}
    return schema


def _schema(kind: Any) -> Any:
    if isinstance(kind, dict):
        return {key: _schema(item) for key, item in kind.items()}
    if isinstance(kind, list):
        return [_schema(item) for item in kind]
    if isinstance(kind, str | int | bool | None):
        return kind
    (schema,), _ = msgspec.json.schema_components([kind], ref_template=_REF)
    return schema
