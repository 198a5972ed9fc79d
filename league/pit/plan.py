"""Owns the two sides of a head-to-head and its plan: who plays, and who holds which seat.

Promises: a pair is two matches of one seed between which A and B exchange all their seats; the same
request always gives the same plan and the same keys.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.registry import whole_spec
from agents.scripted import FORMER_NAMES
from arena.match import MatchSpec
from arena.territory.engine.rules import MatchRules
from arena.territory.observation.views import Views
from db import queries
from db.session import read_transaction, write_transaction
from league.config.tree import SCRIPTED
from league.errors import PitError
from league.members.entry import ensure_guest, find_member, identify, is_snapshot_file
from league.members.pruned import require_snapshot

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine


@dataclass(frozen=True)
class Side:
    """One side: the name to print, what plays, and its member in a league."""

    name: str
    agent_spec: str
    member_id: int | None = None


@dataclass(frozen=True)
class PitPlan:
    """What is played: sides, maps and seats; `maps` are single references, used in turn.

    `field` holds the sides of the third parties if A and B hold one seat each, else it is empty.
    """

    a: Side
    b: Side
    maps: tuple[str, ...]
    rules: MatchRules
    views: Views
    field: tuple[Side, ...] = ()

    @property
    def series_key(self) -> str:
        """Key of the head-to-head: requests with the same A, B, rules, maps and seats share it."""
        parts = [
            self.a.agent_spec,
            self.b.agent_spec,
            self.rules.sha256(),
            list(self.maps),
            [side.agent_spec for side in self.field],
        ]
        return "pit-" + hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]

    def pair_key(self, seed: int) -> str:
        """Return the key of one mirrored pair."""
        return f"{self.series_key}:{seed}"

    def sides(self, seed: int, half: int) -> tuple[str | None, ...]:
        """Return "A", "B" or None (the field) per seat; half 1 has A and B exchanged."""
        n_seats = self.rules.n_seats
        first, second = ("A", "B") if half == 0 else ("B", "A")
        if not self.field:
            return tuple(first if seat % 2 == 0 else second for seat in range(n_seats))
        seats: list[str | None] = [None] * n_seats
        seats[seed % n_seats] = first
        seats[(seed + n_seats // 2) % n_seats] = second
        return tuple(seats)

    def line_up(self, seed: int, half: int) -> tuple[Side, ...]:
        """Return the side that holds each seat."""
        field = iter(self.field)
        return tuple(
            self.a if side == "A" else self.b if side == "B" else next(field)
            for side in self.sides(seed, half)
        )

    def spec(self, seed: int, half: int) -> MatchSpec:
        """Return the spec of one match of the pair."""
        return MatchSpec(
            seed=seed,
            map=self.maps[seed % len(self.maps)],
            agents=tuple(side.agent_spec for side in self.line_up(seed, half)),
            rules=self.rules,
            views=self.views,
        )

    def setting(self, seeds: Sequence[int]) -> str:
        """Return the part of the report that says what was played."""
        n_seats = self.rules.n_seats
        share = (
            f"1A+1B among {n_seats - 2} scripted"
            if self.field
            else f"{n_seats // 2}A+{n_seats // 2}B"
        )
        maps = f"map {self.maps[0]}" if len(self.maps) == 1 else f"{len(self.maps)} maps"
        return f"{n_seats} seats, {share}, {maps}, seeds {seeds[0]}..{seeds[-1]}"


def check_seats(rules: MatchRules, with_field: bool) -> None:
    """Raise PitError if the seats cannot be divided evenly."""
    if not with_field and rules.n_seats % 2:
        raise PitError(
            f"expected an even number of seats for A and B, found {rules.n_seats}; use --field"
        )
    if with_field and rules.n_seats < 3:
        raise PitError(f"expected at least 3 seats for --field, found {rules.n_seats}")


def make_field(n_seats: int, engine: Engine | None) -> tuple[Side, ...]:
    """Return scripted third parties for all seats but two, in a fixed order."""
    names = [SCRIPTED[i % len(SCRIPTED)] for i in range(n_seats - 2)]
    if engine is None:
        return tuple(Side(name, f"scripted:{name}") for name in names)
    from league.members.entry import Newcomer

    sides = {}
    with write_transaction(engine) as session:
        for name in sorted(set(names)):
            newcomer = Newcomer(name, "scripted", "anchor", f"scripted:{name}")
            member = ensure_guest(session, newcomer)
            sides[name] = Side(member.name, member.agent_spec, member.id)
    return tuple(sides[name] for name in names)


def side_in_league(text: str, engine: Engine, snapshots: Path, views: Views) -> Side:
    """Return the side that a text means: a member, a hash prefix, a file or an agent spec.

    Files and specs that no member plays become guests.

    Raises:
        NotFoundError: no member fits, or several do.
        MemberError, AgentError: what is meant cannot play here.
    """
    is_spec = text.startswith(("scripted:", "plugin:"))
    text = whole_spec(text)
    if not is_spec and not is_snapshot_file(text):
        with read_transaction(engine) as session:
            member = find_member(session, text)
        require_snapshot(snapshots, member)
        return Side(member.name, member.agent_spec, member.id)
    with read_transaction(engine) as session:  # what plays here has been checked
        known = any(m.agent_spec == text for m in queries.list_members(session))
    newcomer = identify(text, snapshots, views, check=not known)
    with write_transaction(engine) as session:
        member = ensure_guest(session, newcomer)
    return Side(member.name, member.agent_spec, member.id)


def side_without_league(text: str, snapshots: Path) -> Side:
    """Return the same without a league: a snapshot file, an agent spec or a scripted agent's name.

    Raises:
        PitError: the text is a name or hash prefix, which only a league knows.
        AgentError: what is meant cannot play.
    """
    if text in SCRIPTED or text in FORMER_NAMES:
        text = f"scripted:{text}"
    is_spec = text.startswith(("scripted:", "plugin:"))
    if not is_spec and not is_snapshot_file(text):
        raise PitError(
            f"expected an agent spec such as scripted:tribe or a snapshot file, found {text!r}; "
            "names and hash prefixes need the league that knows them: --league DIR"
        )
    newcomer = identify(text, snapshots, None)
    return Side(text if is_spec else newcomer.name, newcomer.agent_spec)
