"""A league with many finished matches and small files as replays and snapshots, made in bulk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Engine, insert

from db import queries
from db.models import Match, Seat
from db.records import EventRecord, MemberRecord
from db.session import read_transaction, write_transaction
from league.folder.layout import LeagueFolder
from league.folder.opening import remember_config
from league.members import admission
from league.rating.payoff import Payoff
from league.rating.season import Season
from tests.league.daemon.scripted import League
from tests.league.hand_made import MAP_SHA, NOON, STATE_SHA, add_rated

REPLAY_BYTES = 100
SNAPSHOT_BYTES = 1_000


@dataclass
class Pruned:
    """A started league, and short ways to look at it."""

    league: League

    @property
    def folder(self) -> LeagueFolder:
        return self.league.folder

    @property
    def engine(self) -> Engine:
        return self.league.engine

    @property
    def season(self) -> Season:
        return Season.of(self.league.config.to_json())

    def start(self) -> None:
        """What a first start writes."""
        with write_transaction(self.engine) as session:
            remember_config(session, self.league.config)
            admission.admit_scripted(session, self.league.config.rating.anchors, self.season)

    def play(self, n: int, line_up: Sequence[int] = (1, 2), *, purpose: str = "rating") -> None:
        """Add finished matches with a replay each, one a minute; seats in the order of places."""
        with write_transaction(self.engine) as session:
            first = sum(queries.matches_by_status(session).values()) + 1
            ids = range(first, first + n)
            session.execute(insert(Match), [self._match(i, line_up, purpose) for i in ids])
            session.execute(
                insert(Seat),
                [_seat(i, at, who, purpose) for i in ids for at, who in enumerate(line_up)],
            )
        (self.folder.replays / "pit").mkdir(exist_ok=True)
        for i in ids:
            self.replay(i, purpose).write_bytes(b"r" * REPLAY_BYTES)

    def _match(self, i: int, line_up: Sequence[int], purpose: str) -> dict[str, object]:
        return {
            "id": i,
            "purpose": purpose,
            "status": "finished",
            "seed": i,
            "rotation": 0,
            "map": "generated:plains:64x64:2",
            "map_sha256": MAP_SHA,
            "rules_sha256": self.season.rules_sha256,
            "spec": {},
            "line_up": [[member, purpose == "rating"] for member in line_up],
            "attempts": 0,
            "failures": 0,
            "planned_at": NOON,
            "finished_at": NOON + timedelta(minutes=i),
            "ticks": 10,
            "wall_s": 1.0,
            "replay_path": self.folder.relative(self.replay(i, purpose)),
            "final_state_sha256": STATE_SHA,
        }

    def replay(self, match_id: int, purpose: str = "rating") -> Path:
        place = self.folder.replays / ("pit" if purpose == "pit" else "")
        return place / f"{match_id:08d}.replay"

    def kept(self) -> list[int]:
        """The matches whose replay is a file."""
        return sorted(int(path.stem) for path in self.folder.replays.rglob("*.replay"))

    def named(self) -> list[int]:
        """The matches whose row names a replay."""
        with read_transaction(self.engine) as session:
            return [row.match_id for row in queries.finished_replays(session) if row.path]

    def add(self, name: str, mu: float = 25.0, *, games: int = 100, **fields: object) -> int:
        """Add a member with a snapshot, and let it place first in rated matches."""
        sha256 = f"{name:0>64}"[-64:].replace("-", "0")
        self.snapshot(sha256).write_bytes(b"s" * SNAPSHOT_BYTES)
        values = {
            "family": "attention",
            "role": "league_exploiter",
            "agent_spec": f"snapshot:{sha256}",
            "snapshot_sha256": sha256,
            "rules_sha256": self.season.rules_sha256,
            **fields,
        }
        with write_transaction(self.engine) as session:
            member_id = add_rated(session, name, mu, 1.0, **values)  # type: ignore[arg-type]
        if games:
            self.play(games, (member_id, 1))
        return member_id

    def snapshot(self, sha256: str) -> Path:
        return self.folder.snapshots / f"{sha256}.safetensors"

    def snapshots(self) -> set[str]:
        """The names of the members whose snapshot is a file."""
        members = self.members().values()
        return {m.name for m in members if m.snapshot_sha256 and self._is_there(m.snapshot_sha256)}

    def _is_there(self, sha256: str) -> bool:
        return self.snapshot(sha256).exists()

    def members(self) -> dict[str, MemberRecord]:
        with read_transaction(self.engine) as session:
            return {member.name: member for member in queries.list_members(session)}

    def events(self, kind: str) -> list[EventRecord]:
        with read_transaction(self.engine) as session:
            return queries.events_of_kind(session, kind)


def _seat(match_id: int, at: int, member_id: int, purpose: str) -> dict[str, object]:
    return {
        "match_id": match_id,
        "seat": at,
        "member_id": member_id,
        "placement": at + 1,
        "tiles": 1,
        "troops": 1,
        "illegal_actions": 0,
        "rated": purpose == "rating",
    }


def nobody() -> Payoff:
    """A payoff without a match."""
    return Payoff()
