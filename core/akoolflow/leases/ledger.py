"""The lease book as it is on disk: every method is one transaction, done and durable when it returns. It blocks."""

from __future__ import annotations

import json
import secrets
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from akoolflow.errors import LeasesUnusable
from akoolflow.leases.budget import DAY_S, Budget, Usage, check
from akoolflow.leases.clock import Clock
from akoolflow.leases.holder import Claim, is_alive, sweep
from akoolflow.leases.lease import TRANSITIONS, Ask, Held, Lease, Payer, State
from akoolflow.leases.rows import OF_PAYER, SELECT, at, columns_of, holder_in, key_of, lease_in
from akoolflow.leases.schema import connect, unusable
from akoolflow.leases.spending import usage_of

__all__ = ["Ledger", "new_id"]

_KEPT_S: Final = 35 * DAY_S
"""How long settled leases are remembered."""
_NAMED: Final = f"SELECT 1 FROM leases WHERE session_id = :session_id AND {OF_PAYER}"  # noqa: S608 - constants


class Ledger:
    """An open book. Several may be open on one file, in one process and in many."""

    def __init__(self, path: Path, clock: Clock) -> None:
        """:raises LeasesUnusable: the file cannot be opened, or is not what it should be; it is left as it is."""
        self.path, self._clock = path, clock
        self._holders = path.with_suffix(".holders")
        self._claim: Claim | None = None
        self._lock = threading.Lock()
        self._db = connect(path)
        try:
            with self._transaction():
                self._forget_old()
        except BaseException:
            self._db.close()
            raise

    def close(self) -> None:
        """Whatever this book still holds is held by nobody from here on."""
        with suppress(LeasesUnusable):  # the lock that we drop says the same
            self.release_all()
        with self._lock:
            if self._claim is not None:
                self._claim.release()
            self._db.close()

    # -- one's own leases ------------------------------------------------------------------------

    def ask(self, lease_id: str, ask: Ask, budget: Budget) -> Lease:
        """Note that a session is about to be asked for.

        :raises BudgetExceeded: it may not be.
        """
        now = self._clock()
        with self._transaction() as db:
            usage = usage_of(db, ask.payer, ask.pipeline, now)
            check(budget, usage, pipeline=ask.pipeline, wanted_s=ask.longest_s, now=now)
            me = self._me()
            values = {"id": lease_id, "state": "asking", "opener": me, "holder": me}
            values |= columns_of(ask) | at("asked", now)
            names = ", ".join(values)
            marks = ", ".join(f":{name}" for name in values)
            db.execute(f"INSERT INTO leases ({names}) VALUES ({marks})", values)  # noqa: S608 - names of ours
            return self._get(lease_id)

    def opened(self, lease_id: str, session_id: str) -> Lease:
        """Note the id of the session that was opened.

        :raises LeasesUnusable: the lease is not ours any more, or settled.
        """
        values = {"session_id": session_id, "before": None} | at("opened", self._clock())
        with self._transaction():
            if not self._change(lease_id, "open", values):
                hint = "something has removed our lock; keep its folder out of the way of cleaning programs"
                raise LeasesUnusable(str(self.path), f"lease {lease_id} was settled by another process", hint)
            return self._get(lease_id)

    def settle(self, lease_id: str, state: State, note: str = "", *, whole: bool = False) -> bool:
        """Note the end; False if it is not ours, or was settled before.

        :param whole: its whole duration is to be paid for, since nobody knows better.
        """
        now = self._clock()
        with self._transaction():
            lease = self._find(lease_id)
            if lease is None or lease.held != "here":
                return False
            used_s = lease.ask.longest_s if whole else lease.used_s(now)
            cost_s = 0.0 if state == "refused" else used_s
            values = {"settled_unix_s": now.unix_s, "cost_s": cost_s, "note": note, "before": None, "holder": None}
            return self._change(lease_id, state, values)

    def release(self, lease_id: str, note: str = "") -> None:
        """Let go of it, unsettled: the next reap may take it."""
        with self._transaction():
            lease = self._find(lease_id)
            if lease is not None and lease.held == "here":
                self._set(lease_id, {"holder": None, "note": note})

    def release_all(self, note: str = "") -> None:
        """Let go of all that we hold."""
        if self._claim is not None:
            with self._transaction() as db:
                values = (note, self._claim.holder.token)
                db.execute("UPDATE leases SET holder = NULL, note = ? WHERE holder = ?", values)

    # -- other people's --------------------------------------------------------------------------

    def take(self, lease: Lease, session_id: str = "") -> bool:
        """Become the holder of a lease that nobody holds, and name its session if it had none.

        False if the lease, or the session, has changed hands since it was read.
        """
        with self._transaction() as db:
            found = self._find(lease.id)
            if found is None or found.settled or found.held != "nobody" or found.state != lease.state:
                return False
            if found.state == "asking" and session_id:
                values = {"session_id": session_id} | key_of(lease.ask.payer)
                if db.execute(_NAMED, values).fetchone():
                    return False
                self._set(lease.id, {"holder": self._me(), "state": "open", "session_id": session_id, "before": None})
            else:
                self._set(lease.id, {"holder": self._me()})
            return True

    def suspect(self, lease_id: str, session_ids: tuple[str, ...], note: str) -> None:
        """Note that a lost create may have opened one of these sessions."""
        with self._transaction() as db:
            values = (json.dumps(sorted(session_ids)), note, lease_id)
            db.execute("UPDATE leases SET suspects = ?, note = ? WHERE id = ? AND state = 'asking'", values)

    # -- reading ---------------------------------------------------------------------------------

    def leases(self, payer: Payer | None = None, *, settled: bool = True) -> list[Lease]:
        """Oldest first."""
        conditions = [*([OF_PAYER] if payer else []), *([] if settled else ["state IN ('asking', 'open')"])]
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        with self._transaction(write=False) as db:
            rows = db.execute(f"{SELECT}{where} ORDER BY asked_unix_s, id", key_of(payer) if payer else {})
            return [self._lease(row) for row in rows.fetchall()]

    def find(self, name: str) -> list[Lease]:
        """Those whose own id or session's id is or, given six characters or more, begins with `name`."""
        length = len(name) if len(name) >= 6 else 1_000_000
        where = " WHERE substr(leases.id, 1, :n) = :name OR substr(session_id, 1, :n) = :name ORDER BY asked_unix_s"
        with self._transaction(write=False) as db:
            return [self._lease(row) for row in db.execute(SELECT + where, {"name": name, "n": length}).fetchall()]

    def openings(self, payer: Payer, boot_id: str) -> list[Lease]:
        """The latest that were answered in that boot, oldest first."""
        where = f" WHERE {OF_PAYER} AND opened_boot_id = :boot_id ORDER BY opened_boot_s DESC LIMIT 8"
        with self._transaction(write=False) as db:
            rows = db.execute(SELECT + where, key_of(payer) | {"boot_id": boot_id}).fetchall()
            return [self._lease(row) for row in reversed(rows)]

    def session_ids(self, payer: Payer) -> frozenset[str]:
        """Of all sessions that a lease of this account names or has named."""
        with self._transaction(write=False) as db:
            rows = db.execute(f"SELECT session_id FROM leases WHERE {OF_PAYER}", key_of(payer))  # noqa: S608
            return frozenset(row["session_id"] for row in rows) - {""}

    def usage(self, payer: Payer, pipeline: str) -> Usage:
        with self._transaction(write=False) as db:
            return usage_of(db, payer, pipeline, self._clock())

    # -- inside a transaction --------------------------------------------------------------------

    def _change(self, lease_id: str, state: State, values: dict[str, Any]) -> bool:
        """One step of ours along `TRANSITIONS`."""
        lease = self._find(lease_id)
        if lease is None or lease.held != "here" or state not in TRANSITIONS[lease.state]:
            return False
        self._set(lease_id, {"state": state} | values)
        return True

    def _set(self, lease_id: str, values: dict[str, Any]) -> None:
        changes = ", ".join(f"{name} = :{name}" for name in values)
        self._db.execute(f"UPDATE leases SET {changes} WHERE id = :id", values | {"id": lease_id})  # noqa: S608

    def _find(self, lease_id: str) -> Lease | None:
        row = self._db.execute(f"{SELECT} WHERE leases.id = ?", (lease_id,)).fetchone()
        return None if row is None else self._lease(row)

    def _get(self, lease_id: str) -> Lease:
        lease = self._find(lease_id)
        assert lease is not None  # noqa: S101 - written in this very transaction
        return lease

    def _lease(self, row: sqlite3.Row) -> Lease:
        holder = holder_in(row, "holder")
        held: Held = "nobody"
        if holder is not None and self._claim is not None and holder.token == self._claim.holder.token:
            held = "here"
        elif holder is not None and row["settled_unix_s"] is None and is_alive(self._holders, holder):
            held = "elsewhere"
        return lease_in(row, held)

    def _me(self) -> str:
        """Our token; we come into being with the first lease, since a book that is only read holds none."""
        if self._claim is None:
            self._claim = Claim(self._holders)
        me = self._claim.holder
        # Each time: the transaction that wrote it first may have been rolled back.
        values = (me.token, me.pid, me.started_ticks, me.host, me.boot_id)
        self._db.execute("INSERT OR IGNORE INTO holders VALUES (?, ?, ?, ?, ?)", values)
        return me.token

    def _forget_old(self) -> None:
        self._db.execute("DELETE FROM leases WHERE settled_unix_s < ?", (self._clock().unix_s - _KEPT_S,))
        named = "SELECT opener FROM leases UNION SELECT holder FROM leases WHERE holder IS NOT NULL"
        self._db.execute(f"DELETE FROM holders WHERE token NOT IN ({named})")  # noqa: S608 - constants
        rows = self._db.execute("SELECT DISTINCT holder FROM leases WHERE holder IS NOT NULL")
        sweep(self._holders, frozenset(row["holder"] for row in rows))

    @contextmanager
    def _transaction(self, *, write: bool = True) -> Iterator[sqlite3.Connection]:
        db = self._db
        try:
            # asyncio's own cancel lets go of a thread that still works: the next call may come before it is done.
            with self._lock:
                db.execute("BEGIN IMMEDIATE" if write else "BEGIN")
                try:
                    yield db
                    db.execute("COMMIT")
                except BaseException:
                    if db.in_transaction:
                        db.execute("ROLLBACK")
                    raise
        except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
            raise  # our own mistakes
        except sqlite3.Error as error:
            raise unusable(self.path, error) from error


def new_id() -> str:
    return f"L{secrets.token_hex(6)}"
