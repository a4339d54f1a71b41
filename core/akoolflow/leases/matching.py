"""What to do about each lease that nobody holds, given what the service has open. Pure.

A session whose id the lease knows is easy. A lost create is not: the service's list says neither when a session was
opened nor for which avatar (its documentation shows no such field), and the account may be in use elsewhere. To close a
stranger's session is worse than to let one of ours run out. So a listed session is taken for what a lost create opened
only if

1. no lease of this book names it, or ever did, and no create of another live process can be what opened it;
2. nothing that the service tells of it speaks against it: avatar, kind of room;
3. it is proven to be younger than the request, and not by much. By its id, which begins with a time as MongoDB's do,
   once earlier sessions have shown that this service's ids do (see `dating`); or because it was not open just before
   the request and was seen soon after it; or because the user vouches that nobody else uses the account;
4. each of the sessions that may come of some lost creates can have come of a different one of them.

Else it is reported, and the lease stays until the duration asked for has passed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal, TypeAlias

from msgspec import Struct

from akoolflow.leases.clock import Instant
from akoolflow.leases.dating import Dating, told_unix_s
from akoolflow.leases.lease import Lease, OpenSession

__all__ = ["SETTLE_S", "Decision", "Verdict", "View", "decide"]

SETTLE_S: Final = 30.0
"""How long after a create request its session may still come into being."""

Verdict: TypeAlias = Literal["close", "over", "nothing", "unknown", "again", "wait", "ambiguous"]
"""`close` the session. It is `over`. There came `nothing` of the create. Its time is up and it is `unknown` whether
anything came of it. Look `again` in a moment. `wait`: too early to tell. `ambiguous`: it may be one of several."""


class View(Struct, frozen=True, kw_only=True):
    """What is known after one look at the service."""

    now: Instant
    leases: Sequence[Lease]
    """All of the account that are not settled, read after the list came: no session in it is without its lease."""
    named: frozenset[str]
    """Sessions that any lease of the account names or has named."""
    listed: Mapping[str, OpenSession]
    first_seen: Mapping[str, Instant]
    """When each listed session was first seen by this reaper."""
    missed: frozenset[str] = frozenset()
    """Sessions that were not in the list at an earlier look either."""
    dating: Mapping[str, Dating] = {}
    """What ids tell, by the lease that asks."""
    settle_s: float = SETTLE_S
    sole_user: bool = False
    """Nobody else uses the account."""


class Decision(Struct, frozen=True):
    lease: Lease
    verdict: Verdict
    sessions: tuple[str, ...] = ()
    """Which to close; or which it may be."""


def decide(view: View) -> list[Decision]:
    """One decision for each lease that nobody holds."""
    orphans = [lease for lease in view.leases if lease.held == "nobody"]
    known = [_known(view, lease) for lease in orphans if lease.state == "open"]
    return known + _lost(view, [lease for lease in orphans if lease.state == "asking"])


def _known(view: View, lease: Lease) -> Decision:
    if any(other.session_id == lease.session_id and other.held != "nobody" for other in view.leases):
        return Decision(lease, "over")  # the id was given out again, as a simulator does that was started anew
    if lease.session_id in view.listed:
        return Decision(lease, "close", (lease.session_id,))
    if lease.session_id in view.missed or _is_past(view, lease):
        return Decision(lease, "over")
    return Decision(lease, "again")  # it may have moved to another page while the pages were read


def _lost(view: View, asks: Sequence[Lease]) -> list[Decision]:
    possible = {lease.id: frozenset(s for s in view.listed if _may_be(view, lease, s)) for lease in asks}
    decisions = [_hopeless(view, lease) for lease in asks if not possible[lease.id]]
    for leases, sessions in _groups(asks, possible):
        decisions += _shared_out(view, leases, sorted(sessions), possible)
    return decisions


def _hopeless(view: View, lease: Lease) -> Decision:
    if _is_past(view, lease) or lease.suspects:
        return Decision(lease, "unknown")
    return Decision(lease, "nothing" if view.now.since(lease.asked) > view.settle_s else "wait")


def _shared_out(
    view: View, leases: Sequence[Lease], sessions: Sequence[str], possible: Mapping[str, frozenset[str]]
) -> list[Decision]:
    """Decide on leases and sessions that may belong to each other, and to nothing else here."""
    if any(_may_be_of_the_living(view, session) for session in sessions):
        return [Decision(lease, "unknown" if _is_past(view, lease) else "wait") for lease in leases]
    proven = all(_is_proven(view, lease, session) for lease in leases for session in possible[lease.id])
    owners = _owners(leases, sessions, possible)
    if not proven or len(owners) < len(sessions) or any(lease.suspects for lease in leases):
        return [
            Decision(lease, "unknown" if _is_past(view, lease) else "ambiguous", tuple(sorted(possible[lease.id])))
            for lease in leases
        ]
    return [
        Decision(lease, "close", (owners[lease.id],)) if lease.id in owners else _hopeless(view, lease)
        for lease in leases
    ]


def _owners(leases: Sequence[Lease], sessions: Sequence[str], possible: Mapping[str, frozenset[str]]) -> dict[str, str]:
    """Sessions by lease, as many as can each have a lease of its own: a maximum matching, by augmenting paths."""
    owners: dict[str, str] = {}

    def place(session: str, tried: set[str]) -> bool:
        for lease in leases:
            if session in possible[lease.id] and lease.id not in tried:
                tried.add(lease.id)
                if lease.id not in owners or place(owners[lease.id], tried):
                    owners[lease.id] = session
                    return True
        return False

    for session in sessions:
        place(session, set())
    return owners


def _may_be(view: View, lease: Lease, session_id: str) -> bool:
    session = view.listed[session_id]
    told_s, dating = told_unix_s(session_id), view.dating.get(lease.id)
    return (
        session_id not in view.named
        and session_id not in (lease.ask.before or ())
        and _agrees(session, lease)
        and (told_s is None or dating is None or dating.fits(told_s, lease.asked, view.settle_s))
    )


def _is_proven(view: View, lease: Lease, session_id: str) -> bool:
    dated = told_unix_s(session_id) is not None and lease.id in view.dating
    seen_soon = view.first_seen[session_id].since(lease.asked) <= view.settle_s
    return dated or view.sole_user or (lease.ask.before is not None and seen_soon)


def _may_be_of_the_living(view: View, session_id: str) -> bool:
    """Whether a create can have opened it that a live process still waits for."""
    # One that left after the session was first seen cannot.
    return any(
        lease.state == "asking"
        and lease.held != "nobody"
        and lease.asked.since(view.first_seen[session_id]) <= 0
        and _agrees(view.listed[session_id], lease)
        for lease in view.leases
    )


def _agrees(session: OpenSession, lease: Lease) -> bool:
    return session.avatar_id in {"", lease.ask.avatar_id} and session.stream_type in {"", lease.ask.stream_type}


def _is_past(view: View, lease: Lease) -> bool:
    return view.now.since(lease.asked) > lease.ask.longest_s + view.settle_s


def _groups(
    leases: Iterable[Lease], possible: Mapping[str, frozenset[str]]
) -> list[tuple[list[Lease], frozenset[str]]]:
    """Leases that compete for sessions, with all the sessions they compete for."""
    groups: list[tuple[list[Lease], frozenset[str]]] = []
    for lease in leases:
        if not (sessions := possible[lease.id]):
            continue
        members = [lease]
        for group in [group for group in groups if group[1] & sessions]:
            groups.remove(group)
            members, sessions = group[0] + members, sessions | group[1]
        groups.append((members, sessions))
    return groups
