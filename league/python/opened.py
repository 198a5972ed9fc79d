"""Owns an open league in Python: its tables, and matches played with its members and rules.

Promises: reads in short transactions through a read-only connection, so that a running league is
never held up, and sees what was last committed; writes no file of the league.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from db import queries
from db.location import is_url
from db.session import read_transaction
from league.folder.by_url import league_by_url
from league.folder.connect import reader
from league.folder.layout import LeagueFolder, open_folder
from league.folder.match_columns import MatchMemory
from league.folder.memory import stored_season
from league.members.pruned import require_snapshot
from league.python import tables
from league.python.frames import frame, page, require_pandas
from league.python.member import Member
from league.rating.beats import count_beats
from league.report.chances import ChanceMemory
from league.report.state import read_state

if TYPE_CHECKING:
    import pandas

    from agents.snapshots import LoadedSnapshot
    from league.python.match import Match
    from league.python.payoff import PayoffFrame
    from league.python.pits import Pit
    from league.report.state import ReportState

DEFAULT_FOLDER = "league-data"


def open(folder: str | Path | None = None) -> League:
    """Open a league to read, whether it is running or not.

    Args:
        folder: of the league, or the URL of its database, `postgresql://...`; None takes
            $LEAGUE_DIR, else ./league-data.

    Raises:
        FolderError: there is no league.
        DatabaseError: it was never started, or its database is of another version.
    """
    root = folder or os.environ.get("LEAGUE_DIR") or DEFAULT_FOLDER
    if isinstance(root, str) and is_url(root):
        return League(league_by_url(root))
    return League(open_folder(Path(root).expanduser()))


class League:
    """An open league; `league.open` makes one, and `with` or `close` ends it.

    Attributes:
        folder: where it is.
    """

    def __init__(self, folder: LeagueFolder) -> None:
        self.folder = folder.root
        self._folder = folder
        self._stack = ExitStack()
        self._engine = self._stack.enter_context(reader(folder))
        # In memory alone: who only reads a league does not write its cache.
        self._memory, self._chances = MatchMemory(None), ChanceMemory()

    # --- tables -----------------------------------------------------------------------------------

    def standings(self) -> pandas.DataFrame:
        """Return the table of the league: a row per member, best first, the unrated ones last.

        `low` and `high` are the ranks that tests of differences allow, `half_width` is that of the
        95 % interval of `mu` (NaN for `tribe`, which defines the scale), `place` the mean
        placement.
        """
        return frame(tables.standing_rows(self._state().members), tuple(tables.STANDINGS))

    def ratings(self, member: str) -> pandas.DataFrame:
        """Return the ratings of a member over time: seq, at, match, mu, sigma and raw_mu.

        `mu` is on the reported scale of that moment; `raw_mu` is the log's own number, whose scale
        drifts. The first row is the admission, without a match.
        """
        with read_transaction(self._engine) as session:
            return frame(tables.rating_rows(session, member), tables.RATINGS)

    def matches(
        self,
        *,
        member: str | None = None,
        map: str | None = None,
        since: datetime | str | None = None,
        purpose: str | None = "rating",
        last: int | None = None,
    ) -> pandas.DataFrame:
        """Return finished matches in the order of their ends.

        Args:
            member: only matches that it played in.
            map: only maps whose reference holds this text, such as "lakes".
            since: only matches that ended then or later; a time without a zone is UTC.
            purpose: "rating", "pit" or "canary"; None returns all.
            last: only the newest so many.
        """
        choice: dict[str, Any] = {"member": member, "map_part": map, "since": since}
        with read_transaction(self._engine) as session:
            rows = tables.match_rows(session, purpose=purpose, last=last, **choice)
            return frame(rows, tables.MATCHES)

    def payoff(self, min_common: int = 8) -> PayoffFrame:
        """Return who beats whom: a DataFrame of beat rates, row above column, and its `cycles()`.

        Members stand in the order of the standings. `games`, `low` and `high` of the result are
        DataFrames of the same form: common matches, and the ends of 95 % intervals.

        Args:
            min_common: with fewer common matches a cell is NaN.
        """
        require_pandas()
        from league.python.payoff import payoff_frame  # imports pandas

        rated = [row for row in self._state().members if row.rank is not None]
        with read_transaction(self._engine) as session:
            season = stored_season(session)
            columns = self._memory.read(session, "" if season is None else season.rules_sha256)
        beats = count_beats(columns, [row.id for row in rated])
        return payoff_frame(beats, {row.id: row.name for row in rated}, min_common)

    def training(self, learner: str, *, lasting: bool = True) -> pandas.DataFrame:
        """Return a row per update of a learner: number, decisions, at, and what it measured.

        Args:
            learner: its name, such as "attention".
            lasting: leave out updates that a crash took back.

        Raises:
            UsageError: there is no such learner.
        """
        with read_transaction(self._engine) as session:
            rows = list(tables.training_rows(session, learner, lasting=lasting))
        return frame(rows, tuple(dict.fromkeys((*tables.TRAINING, *(k for r in rows for k in r)))))

    def held_out(self, learner: str) -> pandas.DataFrame:
        """Return the held-out score of a lineage over time: a row per snapshot, oldest first.

        `score` is the share of held-out members (`rating.held_out`, which no learner ever meets)
        that it placed above in rated matches, ties half; `matches` of them.

        Raises:
            UsageError: there is no such learner.
        """
        with read_transaction(self._engine) as session:
            return frame(tables.held_out_rows(session, learner), tables.HELD_OUT)

    # --- members and matches ----------------------------------------------------------------------

    def members(self) -> list[str]:
        """Return the names of all members, best first, those without a rating last."""
        return [row.name for row in self._state().members]

    def member(self, name: str) -> Member:
        """Return a member by its name, agent spec or the beginning of its snapshot's hash.

        Raises:
            NotFoundError: nobody fits, or several do.
        """
        with read_transaction(self._engine) as session:
            found = queries.resolve_member(session, name)
            parent = None
            if found.parent_id is not None:
                parent = queries.get_member(session, found.parent_id).name

        def load() -> LoadedSnapshot:
            from agents.snapshots import SnapshotStore

            require_snapshot(self._folder.snapshot_place(), found)
            return SnapshotStore(self._folder.snapshot_place()).load(found.snapshot_sha256 or "")

        return Member(
            id=found.id,
            name=found.name,
            family=found.family,
            role=found.role,
            status=found.status,
            generation=found.generation,
            parent=parent,
            decisions=found.trained_decisions,
            sha256=found.snapshot_sha256,
            agent=found.agent_spec,
            created_at=found.created_at,
            _load=load,
        )

    def match(self, match_id: int) -> Match:
        """Return a finished match of the league by its number.

        Raises:
            NotFoundError: there is no such match.
            UsageError: it is not finished.
        """
        from league.python.played import stored_match  # loads the game

        with read_transaction(self._engine) as session:
            return stored_match(session, self._folder, match_id)

    def play(self, members: Sequence[str], *, map: str | None = None, seed: int = 1) -> Match:
        """Play one match under the league's rules in this process; nothing is stored.

        Args:
            members: who holds each seat: names, hash prefixes or agent specs, one per seat.
            map: reference of a map; None takes the first of the league's rated matches.
            seed: determines spawns and all random streams.

        Raises:
            UsageError: the number of seats is wrong.
            NotFoundError, AgentError, MapError: somebody or something cannot play.
            MatchError: an agent failed in the match; the message says which, and how.
        """
        from league.python.playing import play_match  # loads the game

        return play_match(self._folder, self._engine, members, map, seed)

    def pit(
        self,
        a: str,
        b: str,
        *,
        matches: int | None = None,
        map: str | None = None,
        seed: int = 1,
        workers: int | None = None,
        keep: bool = False,
    ) -> Pit:
        """Play A against B in mirrored pairs, as `league pit` does.

        Args:
            a, b: names, hash prefixes or agent specs.
            matches: a fixed number; None plays until a sequential test has decided.
            map: reference of one map; None takes those of the league's rated matches.
            seed: of the first pair.
            workers: processes to play in; None plays in this one. With workers, a script must
                stand below `if __name__ == "__main__":`, since each process imports it.
            keep: store the matches in the league, as the command does, so that a longer one goes
                on from them. False writes nothing.

        Raises:
            PitError, NotFoundError, AgentError, MapError: it cannot be played.
        """
        from league.python.playing import play_pit  # loads the game

        return play_pit(self._folder, a, b, matches, map, seed, workers, keep)

    # --- the rest ---------------------------------------------------------------------------------

    def close(self) -> None:
        """Close the connection to the database."""
        self._stack.close()

    def __enter__(self) -> League:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __repr__(self) -> str:
        with read_transaction(self._engine) as session:
            n_members = len(queries.list_members(session))
            n_matches = queries.matches_by_status(session, "rating").get("finished", 0)
        return f"<League {self.folder}: {n_members} members, {n_matches:,} rated matches>"

    def _repr_html_(self) -> str:
        state = self._state()
        return page(
            state.league,
            f"{len(state.members)} members, {state.n_matches:,} rated matches",
            ("rank", "name", "family", "mu", "+-95 %", "matches", "place"),
            [
                (r.rank, r.name, r.family, r.mu, r.half_width, r.matches, r.mean_placement)
                for r in state.members
                if r.rank is not None
            ],
        )

    def _state(self) -> ReportState:
        with read_transaction(self._engine) as session:
            return read_state(
                session,
                self._folder.name,
                memory=self._memory,
                chances=self._chances,
                n_matches=0,
                n_events=0,
            )
