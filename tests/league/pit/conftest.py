"""A small started league whose matches take a moment, and an arena that plays by dice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from arena.match import MatchSpec
from arena.processes.jobs import Done, Failed
from db import queries
from db.session import write_transaction
from league.config.layers import resolve
from league.config.toml import write_toml
from league.folder.layout import LeagueFolder, create_folder
from league.folder.opening import remember_config
from league.pit.draws import shuffled
from tests.db.migrated import new_database
from tests.league.daemon.scripted import result


@pytest.fixture
def quick_league(tmp_path: Path) -> LeagueFolder:
    """See `make_quick_league`."""
    return make_quick_league(tmp_path / "league")


def make_quick_league(root: Path) -> LeagueFolder:
    """A started league of four seats and 200 ticks, so that a match takes a moment."""
    config = resolve(
        "small",
        None,
        ["rules.n_seats=4", "rules.max_ticks=200", "learner.seats_per_match=2"],
        ["generated:plains:64x64:1"],
    )
    folder = create_folder(root, write_toml(config))
    engine = new_database(folder.sqlite)
    with write_transaction(engine) as session:
        remember_config(session, config)
        queries.add_member(
            session, name="tribe", family="scripted", role="anchor", agent_spec="scripted:tribe"
        )
    engine.dispose()
    return folder


class DiceArena:
    """Ends every match at once; places follow from its seed and seats alone.

    Attributes:
        played: matches handed out so far.
        break_after: raises KeyboardInterrupt when so many have been; None never.
        broken: job ids that fail, once each.
    """

    def __init__(self, break_after: int | None = None, broken: tuple[int, ...] = ()) -> None:
        self.break_after, self.broken = break_after, set(broken)
        self.played = 0
        self.closed = False
        self._waiting: list[tuple[int, MatchSpec]] = []

    def submit(self, job_id: int, spec: object, *, alone: bool = False) -> None:
        assert isinstance(spec, MatchSpec)
        self._waiting.append((job_id, spec))

    def poll(self, timeout_s: float) -> list[Done | Failed]:
        if self.break_after is not None and self.played >= self.break_after:
            raise KeyboardInterrupt
        # Nothing may depend on the order in which matches end.
        job_id, spec = self._waiting.pop(7 * self.played % min(5, len(self._waiting)))
        self.played += 1
        if job_id in self.broken:
            self.broken.remove(job_id)
            return [Failed(job_id, "it broke", "", "match", (spec.agents[0],))]
        places = shuffled(range(1, spec.rules.n_seats + 1), f"{spec.seed}:{spec.agents}")
        return [Done(job_id, replace(result(spec), placements=places))]

    def close(self, grace_s: float) -> None:
        self.closed = True


@pytest.fixture
def dice() -> Callable[..., DiceArena]:
    """Makes an arena that plays by dice."""
    return DiceArena
