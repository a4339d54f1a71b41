"""A TOML file as values and the position of every key; no knowledge of what the keys mean.

The values are the standard library's, the positions tree-sitter's. Where its grammar disagrees with the standard
library, the nearest known ancestor's position is given instead.
"""

from __future__ import annotations

import re
import stat
import tomllib
from bisect import bisect_right
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final, Literal

from msgspec import Struct

from akoolflow.errors import Complaint, ConfigInvalid
from akoolflow.toml.faults import Fault, KeyPath, dotted, printable
from akoolflow.toml.interpolation import MARK
from akoolflow.toml.positions import Layout, Span

__all__ = ["MAX_COMPLAINTS", "MAX_FILE_BYTES", "Source", "parse", "read"]

MAX_FILE_BYTES: Final = 1 << 20
"""Such files are written by hand; what is bigger is something else."""
MAX_COMPLAINTS: Final = 100
"""More than anyone reads; the last one says how many were left out."""

_MAX_SYNTAX_ERRORS: Final = 20
_MAX_REPAIRED_CHARS: Final = 1 << 16  # each further syntax error takes another parse
_AT: Final = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_DECLARED: Final = re.compile(r"\(.*\)")  # tomllib names a table by its Python tuple
_ONE_LINE: Final = ("Expected ']' at the end of a table", "Illegal character '\\n'")  # a header; an open quote
_TOO_BIG: Final = "an integer that does not fit 64 bits"
_TOO_DEEP: Final = "nested too deeply for a file written by hand"


class Source(Struct, frozen=True, eq=False, kw_only=True):
    """A parsed file."""

    file: str
    """As the user gave it."""
    values: dict[str, Any]
    data: bytes
    spans: dict[KeyPath, Span]
    line_starts: list[int]

    def position(
        self, path: KeyPath, at: Literal["key", "value"] = "value", mark: int | None = None
    ) -> tuple[int, int]:
        """Line and column, from 1, of the key, its value, or the `mark`-th `${` in it; else of the nearest ancestor."""
        for length in range(len(path), 0, -1):
            if span := self.spans.get(path[:length]):
                if length < len(path) or at == "key":
                    return self._line_and_column(span.key)
                return self._line_and_column(span.start if mark is None else self._mark_offset(span, mark))
        return 1, 1

    def complaints(self, faults: list[Fault]) -> tuple[Complaint, ...]:
        """The faults in the order of the file, at most `MAX_COMPLAINTS`."""
        placed = sorted(faults, key=self._order)
        shown = tuple(complaint for fault in placed[:MAX_COMPLAINTS] for complaint in self._complaints(fault))
        if len(placed) <= MAX_COMPLAINTS:
            return shown
        line, column = self.position(placed[MAX_COMPLAINTS].path)
        message = f"{len(placed) - MAX_COMPLAINTS} more complaints from here on"
        return (*shown, Complaint(file=self.file, line=line, column=column, message=message))

    def _order(self, fault: Fault) -> tuple[int, int]:
        """Without the exact place of a `${`, which takes a search in its string."""
        ancestors = (fault.path[:length] for length in range(len(fault.path), 0, -1))
        span = next((self.spans[path] for path in ancestors if path in self.spans), None)
        return span.start if span else 0, fault.mark or 0

    def _complaints(self, fault: Fault) -> Iterator[Complaint]:
        if fault.elsewhere:
            yield from fault.elsewhere
            return
        line, column = self.position(fault.path, fault.at, fault.mark)
        yield Complaint(
            file=self.file, line=line, column=column, key=dotted(fault.path), message=fault.message, hint=fault.hint
        )

    def _mark_offset(self, span: Span, mark: int) -> int:
        """Escapes may hide a `${` from this search; then the value's own start has to do."""
        text = self.data[span.start : span.end].decode()
        match = next(islice(MARK.finditer(text), mark, None), None)
        return span.start + len(text[: match.start()].encode()) if match else span.start

    def _line_and_column(self, offset: int) -> tuple[int, int]:
        line = bisect_right(self.line_starts, offset)
        return line, len(self.data[self.line_starts[line - 1] : offset].decode()) + 1


def read(path: Path) -> Source:
    """:raises ConfigInvalid: it cannot be read, is no TOML, or is bigger than `MAX_FILE_BYTES`."""
    file = printable(str(path))
    if file == "-":
        raise _invalid(file, "standard input is not read here", hint="give the file's name")
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise _invalid(file, "this is a directory", hint="give the file in it")
        if not stat.S_ISREG(status.st_mode):
            raise _invalid(file, "this is not a regular file")
        with path.open("rb") as stream:
            data = stream.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        raise _invalid(file, "there is no such file") from None
    except OSError as error:
        raise _invalid(file, f"cannot be read: {error.strerror}") from None
    except ValueError:
        raise _invalid(file, "no file can have a NUL in its name") from None
    if len(data) > MAX_FILE_BYTES:
        raise _invalid(file, f"bigger than {MAX_FILE_BYTES >> 20} MiB; this is no file written by hand")
    return parse(data, file)


def parse(data: bytes, file: str) -> Source:
    """:raises ConfigInvalid: not TOML; with a complaint for each error that is clearly separate."""
    text = _decode(data, file)
    layout = Layout(data)
    if layout.too_deep is not None:
        raise _invalid(file, _TOO_DEEP, data=data[: layout.too_deep])
    line_starts = [0, *(match.end() for match in re.finditer(rb"\n", data))]
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigInvalid(tuple(_syntax_errors(text, file, layout, error))) from None
    except RecursionError:
        raise _invalid(file, _TOO_DEEP) from None
    except ValueError:  # int() refuses thousands of digits
        longest = max(layout.spans.values(), key=lambda span: span.end - span.start, default=Span(0, 0, 0))
        raise _invalid(file, _TOO_BIG, data=data[: longest.start]) from None
    source = Source(file=file, values=values, data=data, spans=layout.spans, line_starts=line_starts)
    if too_big := [Fault(path=path, message=_TOO_BIG) for path in _big_integers(values, ())]:
        raise ConfigInvalid(source.complaints(too_big))
    return source


def _decode(data: bytes, file: str) -> str:
    if data.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        raise _invalid(file, "begins with a byte order mark", hint="save it as UTF-8 without one")
    if (nul := data.find(b"\0")) >= 0:
        raise _invalid(file, "holds a NUL byte; this is no text file", data=data[:nul])
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        message = f"byte 0x{data[error.start]:02x} is not UTF-8"
        raise _invalid(file, message, hint="save it as UTF-8", data=data[: error.start]) from None


def _invalid(file: str, message: str, *, hint: str = "", data: bytes = b"") -> ConfigInvalid:
    """One complaint, at the end of `data`."""
    line, column = data.count(b"\n") + 1, len(data[data.rfind(b"\n") + 1 :].decode(errors="replace")) + 1
    return ConfigInvalid((Complaint(file=file, line=line, column=column, message=message, hint=hint),))


def _syntax_errors(text: str, file: str, layout: Layout, error: tomllib.TOMLDecodeError) -> Iterator[Complaint]:
    """The first, and those that remain when each broken line is taken out: only lines that stand alone are."""
    lines = text.split("\n")
    for number in range(_MAX_SYNTAX_ERRORS):
        found = _AT.search(str(error))
        row, column = (int(found[1]) - 1, int(found[2])) if found and found[1] else (len(lines) - 1, len(lines[-1]) + 1)
        message = _DECLARED.sub("this table", _AT.sub("", str(error)))
        yield Complaint(file=file, line=row + 1, column=column, message=f"not TOML: {message}")
        syntax = not message.startswith(("Cannot", "Duplicate"))
        alone = message.startswith(_ONE_LINE) or layout.damaged_row(row, syntax=syntax)
        if found is None or not found[1] or not alone or len(text) > _MAX_REPAIRED_CHARS:
            return
        # A header is replaced, not dropped: the keys below it would fall into the table before.
        lines[row] = f"[akoolflow-dropped-{number}]" if lines[row].lstrip().startswith("[") else ""
        repaired = "\n".join(lines)
        try:
            tomllib.loads(repaired)
        except tomllib.TOMLDecodeError as another:
            error, layout = another, Layout(repaired.encode())
        except (RecursionError, ValueError):
            return
        else:
            return


def _big_integers(value: Any, path: KeyPath) -> Iterator[KeyPath]:
    if isinstance(value, int) and not -(1 << 63) <= value < 1 << 63:
        yield path
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _big_integers(item, (*path, key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _big_integers(item, (*path, number))
