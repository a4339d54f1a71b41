"""Knowledge bases: list, create, detail, update, delete."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct, field

from akoolflow.simulator.rest.backend import Backend, Caller
from akoolflow.simulator.rest.endpoint import Answer, Endpoint
from akoolflow.simulator.rest.knowledge import Contents, Doc, KnowledgeBase, Name, Prologue, Prompt
from akoolflow.simulator.rest.paging import Page, Size, page_of
from akoolflow.simulator.rest.seeds import object_id

__all__ = ["ENDPOINTS", "KnowledgeData", "KnowledgeList", "UpdateKnowledge"]

_USER: Final = 2


class ListKnowledge(Struct, frozen=True, kw_only=True):
    page: Page = 1
    size: Size = 10
    name: str = ""
    """Any part of the name."""
    from_: Literal[1, 2] = field(name="from", default=2)
    """1 the system's, of which there are none here; 2 the user's."""


class KnowledgeId(Struct, frozen=True, kw_only=True):
    id: Annotated[str, Meta(min_length=1)]


class UpdateKnowledge(Struct, frozen=True, kw_only=True):
    """What is left out stays; an empty string clears."""

    id: Annotated[str, Meta(min_length=1)]
    name: Name | None = None
    prologue: Prologue | None = None
    prompt: Prompt | None = None
    docs: tuple[Doc, ...] | None = None
    urls: tuple[str, ...] | None = None


class KnowledgeData(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: str = field(name="_id")
    team_id: str
    uid: int
    user_type: int = 2
    from_: int = field(name="from", default=_USER)
    name: str
    prologue: str
    prompt: str
    docs: tuple[Doc, ...]
    urls: tuple[str, ...]
    create_time: int
    """Milliseconds since 1970."""
    update_time: int


class KnowledgeList(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The shape that the official demo reads."""

    knowledge_list: list[KnowledgeData]


def _list(backend: Backend, caller: Caller, asked: ListKnowledge) -> list[KnowledgeData] | KnowledgeList:
    found = backend.knowledge.of(caller.account.uid, asked.name) if asked.from_ == _USER else []
    told = [_told(backend, base) for base in page_of(found, asked.page, asked.size)]
    return told if backend.switches.service.knowledge_list == "array" else KnowledgeList(knowledge_list=told)


def _create(backend: Backend, caller: Caller, asked: Contents) -> KnowledgeData:
    return _told(backend, backend.knowledge.create(caller.account.uid, asked, caller.now))


def _detail(backend: Backend, caller: Caller, asked: KnowledgeId) -> KnowledgeData:
    return _told(backend, backend.knowledge.find(caller.account.uid, asked.id))


def _update(backend: Backend, caller: Caller, asked: UpdateKnowledge) -> KnowledgeData:
    contents = Contents(**{name: getattr(asked, name) for name in Contents.__struct_fields__})
    return _told(backend, backend.knowledge.update(caller.account.uid, asked.id, contents, caller.now))


def _delete(backend: Backend, caller: Caller, asked: KnowledgeId) -> Answer:
    backend.knowledge.delete(caller.account.uid, asked.id)
    return Answer(msg="OK")


def _told(backend: Backend, base: KnowledgeBase) -> KnowledgeData:
    return KnowledgeData(
        id=base.id,
        team_id=object_id(backend.switches.simulator.seed, "team", base.uid),
        uid=base.uid,
        name=base.name,
        prologue=base.prologue,
        prompt=base.prompt,
        docs=base.docs,
        urls=base.urls,
        create_time=int(base.created_s * 1000),
        update_time=int(base.updated_s * 1000),
    )


_PATH: Final = "v4/knowledge"
ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        name=f"{_PATH}/list",
        summary="The user's knowledge bases, newest first.",
        takes=ListKnowledge,
        gives=list[KnowledgeData] | KnowledgeList,
        handle=_list,
    ),
    Endpoint(
        method="POST",
        name=f"{_PATH}/create",
        summary="A new knowledge base.",
        takes=Contents,
        gives=KnowledgeData,
        handle=_create,
    ),
    Endpoint(
        method="GET",
        name=f"{_PATH}/detail",
        summary="One knowledge base.",
        takes=KnowledgeId,
        gives=KnowledgeData,
        handle=_detail,
    ),
    Endpoint(
        method="POST",
        name=f"{_PATH}/update",
        summary="Change what is given, leave the rest.",
        takes=UpdateKnowledge,
        gives=KnowledgeData,
        handle=_update,
    ),
    Endpoint(
        method="DELETE",
        name=f"{_PATH}/delete",
        summary="Delete a knowledge base; its id comes in the body.",
        takes=KnowledgeId,
        handle=_delete,
    ),
)
