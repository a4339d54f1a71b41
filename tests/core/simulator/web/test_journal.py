from __future__ import annotations

from typing import Any

import msgspec

from akoolflow.simulator.web.journal import Journal

ENTRY: dict[str, Any] = {
    "at_s": 1.0,
    "method": "GET",
    "path": "/",
    "endpoint": "",
    "query": {},
    "body": None,
    "uid": 0,
    "status": 200,
    "code": 1000,
    "msg": "OK",
    "took_ms": 0.5,
    "fault": "",
}


def test_each_entry_is_written_as_one_line_of_json() -> None:
    lines: list[bytes] = []
    journal = Journal(lines.append)
    journal.add(**ENTRY | {"msg": "two\nlines"})
    (line,) = lines
    assert (line.count(b"\n"), line.endswith(b"\n")) == (1, True)
    assert msgspec.json.decode(line) == {"number": 1, **ENTRY, "msg": "two\nlines"}


def test_of_a_thousand_and_one_entries_the_first_is_forgotten() -> None:
    journal = Journal()
    for _ in range(1001):
        journal.add(**ENTRY)
    assert [entry.number for entry in journal.after(0)] == list(range(2, 1002))


def test_numbers_go_on_when_it_is_cleared() -> None:
    journal = Journal()
    journal.add(**ENTRY)
    journal.clear()
    journal.add(**ENTRY)
    assert [entry.number for entry in journal.after(0)] == [2]
