"""The pipeline file as frozen structs, each plugin's options checked by its own struct."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Annotated, Any, Final, TypeAlias

from msgspec import Meta, Struct

from akoolflow.errors import Complaint, ConfigInvalid, OptionInvalid, PluginError
from akoolflow.file_plugins import FilePlugins, is_file
from akoolflow.plugins import OWN_KEYS, Catalogue
from akoolflow.registry import Entry, Kind
from akoolflow.secret import is_secret_name
from akoolflow.session_table import SessionTable
from akoolflow.simulator.options import SimulatorOptions
from akoolflow.toml.checking import check
from akoolflow.toml.documents import Document, load_struct, open_document
from akoolflow.toml.faults import Fault, KeyPath, dotted, one_line, printable, quoted
from akoolflow.toml.interpolation import Filled, plain, scrub
from akoolflow.toml.words import RawTable

__all__ = ["Component", "ComponentHead", "Pipeline", "PipelineFile", "PipelineTable", "load", "load_struct"]

_Name: TypeAlias = Annotated[str, Meta(min_length=1, max_length=100)]
_LITERAL_SECRET: Final = "literal secret in the file"


def _check_printable(name: str | None) -> None:
    if name is not None and not name.isprintable():
        raise OptionInvalid("name", "a name holds no line breaks or other characters that cannot be printed")


class PipelineTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The pipeline as a whole."""

    name: _Name | None = None
    """The file's name without its ending, if left out."""

    def __post_init__(self) -> None:
        _check_printable(self.name)


class ComponentHead(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys of every component's table; the others are its plugin's options."""

    use: Annotated[str, Meta(min_length=1)]
    """The plugin: a name that `akoolflow plugins` lists, or "./file.py:Class" for one beside the pipeline file."""
    name: _Name | None = None
    """What events and errors call it; `use` if left out, with -2, -3 and so on where that is taken."""
    required: bool = False
    """Whether the session ends if this component is put aside because it keeps failing."""

    def __post_init__(self) -> None:
        _check_printable(self.name)


class PipelineFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The tables of the file; what a component's table holds is known once its plugin is."""

    pipeline: PipelineTable = PipelineTable()
    session: SessionTable = SessionTable()
    simulator: SimulatorOptions = SimulatorOptions()
    transport: RawTable | None = None
    brain: tuple[RawTable, ...] = ()
    sink: tuple[RawTable, ...] = ()


class Component(Struct, frozen=True, kw_only=True):
    """One part of a pipeline, checked and not yet built: `entry.factory(options)` builds it."""

    kind: Kind
    name: str
    use: str
    required: bool
    options: Struct
    entry: Entry[Any]

    def __repr__(self) -> str:
        """Without its options: what came from the environment is among them."""
        return f"Component({self.kind!r}, {self.name!r}, use={self.use!r})"


class Pipeline(Struct, frozen=True, kw_only=True):
    """A pipeline file without a fault."""

    file: str
    """As the user gave it."""
    name: str
    session: SessionTable
    simulator: SimulatorOptions
    transport: Component
    brains: tuple[Component, ...]
    sinks: tuple[Component, ...]
    warnings: tuple[Complaint, ...] = ()

    @property
    def components(self) -> tuple[Component, ...]:
        return (self.transport, *self.brains, *self.sinks)


def load(path: Path, *, env: Mapping[str, str] | None = None, catalogue: Catalogue | None = None) -> Pipeline:
    """Read and check a pipeline file, importing the plugins that it names and no others.

    :param env: what `${NAME}` stands for; the process's environment by default.
    :param catalogue: where plugins are found by name; what is installed by default.
    :raises ConfigInvalid: with all complaints, in the order of the file.
    """
    return _Loading(open_document(path, env), catalogue or Catalogue()).pipeline()


class _Draft(Struct, frozen=True):
    kind: Kind
    path: KeyPath
    head: ComponentHead | None
    options: Struct | None
    entry: Entry[Any]


class _Loading:
    def __init__(self, document: Document, catalogue: Catalogue) -> None:
        self._document = document
        self._catalogue = catalogue
        self._file_plugins = FilePlugins(document.folder)
        self._faults = list(document.faults)
        self._literal_secrets: dict[KeyPath, None] = {}

    def pipeline(self) -> Pipeline:
        """:raises ConfigInvalid:"""
        source = self._document.source
        file: PipelineFile | None = self._check(self._document.values, PipelineFile, ())
        drafts = [draft for place in _component_tables(self._document.values) if (draft := self._draft(*place))]
        components = tuple(self._named(drafts))
        if self._faults or file is None:
            raise ConfigInvalid(source.complaints(self._faults))
        return Pipeline(
            file=source.file,
            name=file.pipeline.name or Path(source.file).stem,
            session=file.session,
            simulator=file.simulator,
            transport=next(each for each in components if each.kind == "transport"),
            brains=tuple(each for each in components if each.kind == "brain"),
            sinks=tuple(each for each in components if each.kind == "sink"),
            warnings=source.complaints(self._warnings()),
        )

    def _check(self, value: Any, expected_type: Any, path: KeyPath) -> Any:
        checked = check(value, expected_type, folder=self._document.folder, path=path)
        self._faults += checked.faults
        self._literal_secrets.update(dict.fromkeys(checked.literal_secrets))
        return checked.value

    def _draft(self, kind: Kind, path: KeyPath, table: dict[str, Any]) -> _Draft | None:
        head = self._check({key: table[key] for key in OWN_KEYS if key in table}, ComponentHead, path)
        use = table.get("use")
        if not (isinstance(use, Filled) or (isinstance(use, str) and use)):
            return None
        try:
            name = plain(use)
            entry = (self._file_plugins if is_file(name) else self._catalogue).entry(kind, name)
        except PluginError as error:
            hint: str = getattr(error, "hint", "")
            message = one_line(scrub(str(error).removesuffix(f"; {hint}"), use))
            self._faults.append(Fault(path=(*path, "use"), message=message, hint=one_line(scrub(hint, use))))
            return None
        rest = {key: item for key, item in table.items() if key not in OWN_KEYS}
        return _Draft(kind, path, head, self._check(rest, entry.options, path), entry)

    def _named(self, drafts: list[_Draft]) -> Iterator[Component]:
        """The sound ones, each with a name of its own; names that were given go first."""
        taken: dict[str, KeyPath] = {}
        numbers: dict[str, Iterator[int]] = {}
        for draft in drafts:
            if draft.head and (name := draft.head.name):
                if name in taken:
                    message = f"the name {quoted(name)} is that of {dotted(taken[name])} already"
                    self._faults.append(Fault(path=(*draft.path, "name"), message=message))
                taken.setdefault(name, draft.path)
        for draft in drafts:
            if draft.head is None or draft.options is None:
                continue
            name = draft.head.name or _free_name(printable(draft.head.use), taken, numbers)
            taken.setdefault(name, draft.path)
            yield Component(
                kind=draft.kind,
                name=name,
                use=draft.head.use,
                required=draft.head.required,
                options=draft.options,
                entry=draft.entry,
            )

    def _warnings(self) -> list[Fault]:
        paths = self._literal_secrets | dict.fromkeys(_written_out(self._document.source.values, ()))
        return [Fault(path=path, message=_LITERAL_SECRET, hint="use ${NAME}") for path in paths]


def _component_tables(values: dict[str, Any]) -> Iterator[tuple[Kind, KeyPath, dict[str, Any]]]:
    """Those that are tables at all; the others are told by the check of the whole file."""
    transport = values.get("transport", {"use": "local"})
    if isinstance(transport, dict):
        yield "transport", ("transport",), transport
    kinds: tuple[Kind, ...] = ("brain", "sink")
    for kind in kinds:
        tables = values.get(kind)
        for number, table in enumerate(tables if isinstance(tables, list) else ()):
            if isinstance(table, dict):
                yield kind, (kind, number), table


def _free_name(name: str, taken: Mapping[str, KeyPath], numbers: dict[str, Iterator[int]]) -> str:
    if name not in taken:
        return name
    # Counting goes on where it stopped for this name: from 2 each time it would be quadratic.
    counter = numbers.setdefault(name, count(2))
    return next(free for number in counter if (free := f"{name}-{number}") not in taken)


def _written_out(value: Any, path: KeyPath) -> Iterator[KeyPath]:
    """Secrets by their key's name that hold text and no reference."""
    if isinstance(value, str):
        if path and is_secret_name(path[-1]) and value and "${" not in value:
            yield path
    elif isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _written_out(item, (*path, key))
