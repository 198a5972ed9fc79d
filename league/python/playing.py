"""Owns matches and head-to-heads that are played from Python with a league's members and rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from agents.in_tick import terms_of
from agents.registry import make_loader
from arena.errors import MatchError
from arena.match import MatchFailure, MatchSpec, play_matches
from arena.processes.jobs import Done, Failed, News
from arena.territory.engine.rules import MatchRules
from arena.territory.maps import expand_references
from arena.territory.observation.views import Views
from db.session import read_transaction
from league.errors import UsageError
from league.folder.memory import started_settings
from league.matches.worker import cached_maps, cached_policies
from league.pit.run import PitRequest, run_pit
from league.pit.sides import side_to_read
from league.python.pits import Pit
from league.python.played import new_match

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from arena.agent import LoadAgent
    from arena.match import LoadMap
    from league.folder.layout import LeagueFolder
    from league.python.match import Match

AT_ONCE = 16  # matches in lock-step, which share the forward passes of networks


def play_match(
    folder: LeagueFolder, engine: Engine, members: Sequence[str], map: str | None, seed: int
) -> Match:
    """Play one match; see `League.play`."""
    with read_transaction(engine) as session:
        stored = started_settings(session, folder)
        sides = [side_to_read(name, session, folder.snapshot_place()) for name in members]
    rules, views = MatchRules.from_json(stored["rules"]), Views.from_json(stored["views"])
    if len(sides) != rules.n_seats:
        raise UsageError(
            f"expected {rules.n_seats} members, one for each seat of this league's matches, found "
            f"{len(sides)}"
        )
    chosen = map or expand_references(stored["maps"]["rate"])[0]
    load_agent, load_map = _loaders(folder)
    agents = tuple(side.agent_spec for side in sides)
    territory = load_map(chosen)
    spec = MatchSpec(
        seed,
        chosen,
        agents,
        rules,
        views,
        map_sha256=territory.sha256,
        terms=terms_of(agents),
    )
    (found,) = play_matches([spec], load_agent, load_map)
    if isinstance(found, MatchFailure):
        raise MatchError(found.error)
    return new_match(found, [side.name for side in sides], territory.sha256, folder)


def play_pit(
    folder: LeagueFolder,
    a: str,
    b: str,
    n_matches: int | None,
    map: str | None,
    seed: int,
    n_workers: int | None,
    keep: bool,
) -> Pit:
    """Play a head-to-head; see `League.pit`."""
    request = PitRequest(
        a=a,
        b=b,
        n_matches=n_matches,
        seed=seed,
        maps=() if map is None else (map,),
        n_workers=n_workers or 1,
    )
    here = None if n_workers else OwnProcess(*_loaders(folder))
    arena = None if here is None else lambda n, settings: here
    return Pit(run_pit(request, folder, arena=arena, stores=keep))


class OwnProcess:
    """Plays in the caller's process: no worker has to start, and a script needs no main guard.

    It takes the place of arena.processes: a started process would run the caller's script again.
    """

    is_ready = True
    start_trouble: str | None = None

    def __init__(self, load_agent: LoadAgent, load_map: LoadMap) -> None:
        self._load_agent, self._load_map = load_agent, load_map
        self._waiting: list[tuple[int, MatchSpec]] = []

    def submit(self, job_id: int, spec: object, *, alone: bool = False) -> None:
        """Take a match."""
        assert isinstance(spec, MatchSpec)
        self._waiting.append((job_id, spec))

    def poll(self, timeout_s: float) -> list[Done | Failed]:
        """Play what waits, up to AT_ONCE matches, and return what came out."""
        now, self._waiting = self._waiting[:AT_ONCE], self._waiting[AT_ONCE:]
        outcomes = play_matches([spec for _, spec in now], self._load_agent, self._load_map)
        return [
            Failed(job_id, found.error, found.traceback, found.fault, found.blamed)
            if isinstance(found, MatchFailure)
            else Done(job_id, found)
            for (job_id, _), found in zip(now, outcomes, strict=True)
        ]

    def take_news(self) -> list[News]:
        """Nothing happens to this machine that the caller would not see."""
        return []

    def close(self, grace_s: float) -> None:
        """Forget what waits."""
        self._waiting.clear()


def _loaders(folder: LeagueFolder) -> tuple[LoadAgent, LoadMap]:
    """Return what loads agents and maps; networks and maps stay loaded as long as these do."""
    return cached_policies(make_loader(folder.snapshot_place())), cached_maps(folder.root)
