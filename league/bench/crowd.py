"""A league whose members can really play: scripts, and untrained networks of both families.

For measuring rated matches as a league plays them: line-ups are drawn by its planner, and networks
are loaded from its store. An untrained network costs what a trained one costs; its matches end
later or earlier.
"""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean
from typing import Any

import torch
from sqlalchemy import Engine

from agents.description import SnapshotDescription
from agents.snapshots import SnapshotStore
from arena.match import MatchResult, MatchSpec
from arena.processes.jobs import JobError
from arena.processes.scratch import ScratchFolder
from arena.territory.engine import rules
from db import queries
from db.migrate import upgrade
from db.session import open_writer, write_transaction
from league.bench import machine
from league.config.layers import resolve
from league.config.toml import write_toml
from league.config.tree import LeagueConfig
from league.daemon.planner import MatchSettings, Planner
from league.errors import BenchError
from league.folder.layout import LeagueFolder, create_folder
from league.folder.opening import remember_config
from league.matches import worker
from league.members import admission
from league.rating.season import Season
from msattn.actor_critic import ActorCritic
from msattn.config import FAMILIES

GOAL_MATCHES_PER_S = 20.0  # of 46 members, in one worker, preset small


class Crowd:
    """A league folder without learners, with its open database.

    Args:
        root: a new folder.
        n_members: the preset's scripts included; fewer than those are not possible.
        sets: further settings, `key=value`.
    """

    def __init__(self, root: Path, preset: str, n_members: int, sets: Sequence[str] = ()) -> None:
        alone = ("learners=[]", "rating.canary_share=off")
        self.config: LeagueConfig = resolve(preset, None, (*alone, *sets))
        self.folder: LeagueFolder = create_folder(root, write_toml(self.config))
        self.season = Season.of(self.config.to_json())
        self.engine: Engine = open_writer(self.folder.database())
        upgrade(self.engine)
        scripts = self.config.rating.scripted_members
        with write_transaction(self.engine) as session:
            remember_config(session, self.config)
            admission.admit_scripted(session, scripts, self.season)
            for number in range(max(0, n_members - len(scripts))):
                family = FAMILIES[number % len(FAMILIES)]
                sha256 = self._snapshot(family, number)
                member_id = queries.add_member(
                    session,
                    name=f"{family}-{number:04}",
                    family=family,
                    role="main",
                    agent_spec=f"snapshot:{sha256}",
                    snapshot_sha256=sha256,
                )
                admission.admit_rating(session, queries.get_member(session, member_id), self.season)
            self.n_members = len(queries.list_members(session))

    def _snapshot(self, family: str, seed: int) -> str:
        """Keep an untrained network that waits as often as a learner's first; return its hash."""
        views = self.config.views.to_views()
        shapes = views.shapes()
        description = SnapshotDescription(
            family=family,
            **views.versions,
            torso=self.config.torso,
            shapes=shapes,
            seed=seed,
        )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = ActorCritic(family, shapes, self.config.torso, n_actions=views.n_actions)
        with torch.no_grad():
            first = rules.WAIT_DIRECTION * rules.N_INTENSITIES
            waits = slice(first, first + rules.N_INTENSITIES)
            network.action_net.bias[waits] += self.config.learner.wait_bias
        return SnapshotStore(self.folder.snapshot_place()).save(network.state_dict(), description)

    def specs(self, n: int) -> list[MatchSpec]:
        """Draw matches as the league would, in batches of a worker."""
        settings = MatchSettings.of(self.config, 1)
        planner = Planner(settings, self.engine, self.season, self.folder.root)
        return [MatchSpec.from_json(dict(plan.spec)) for plan in planner.plan(n, [])]

    def close(self) -> None:
        """Close the connections."""
        self.engine.dispose()


@dataclass(frozen=True)
class Played:
    """Matches that were played in this process.

    Attributes:
        results: of each.
        cpu_s: processor time of one.
    """

    results: list[MatchResult]
    cpu_s: float

    @property
    def mean_ticks(self) -> float:
        """Ticks of a match."""
        return mean(result.ticks for result in self.results)

    def sizes(self) -> dict[str, float]:
        """Return the mean bytes of a match on its way to a worker, and of its result back."""
        return {
            "spec": mean(len(pickle.dumps(each.spec)) for each in self.results),
            "result": mean(len(pickle.dumps(each)) for each in self.results),
        }

    def result(self, spec: MatchSpec) -> MatchResult:
        """Return a real result as if it were of another match, its weights those of the line-up."""
        weights = tuple(
            agent.partition(":")[2] if agent.startswith("snapshot:") else ""
            for agent in spec.agents
        )
        played = self.results[spec.seed % len(self.results)]
        return replace(played, spec=spec, weights=weights)


def play_here(crowd: Crowd, n: int, tell: Callable[[str], None] = lambda text: None) -> Played:
    """Play matches in this process as a worker does, in its batches, after one that is not counted.

    Raises:
        BenchError: a match failed.
    """
    context = worker.setup(
        {"snapshots": crowd.folder.snapshot_place(), "maps": str(crowd.folder.root)}
    )
    batch = min(crowd.config.arena.matches_per_worker, n)
    specs = crowd.specs(batch + n)
    tell(f"{n} matches of {crowd.n_members} members in this process")
    results: list[MatchResult] = []
    began = 0.0
    for start in range(0, len(specs), batch):
        if start == batch:  # the first loads compiled code, networks and maps
            began, results = time.process_time(), []
        for found in worker.play(context, specs[start : start + batch], lambda ticks: None):
            if isinstance(found, JobError):
                raise BenchError(f"a match of the benchmark failed: {found.error}")
            results.append(found)
    return Played(results, (time.process_time() - began) / len(results))


def run(
    preset: str = "small",
    *,
    members: int = 46,
    matches: int = 64,
    tell: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Measure rated matches per second of one worker's processor time, as a league draws them."""
    with ScratchFolder("league-bench-") as place:
        crowd = Crowd(place / "league", preset, members)
        try:
            played = play_here(crowd, matches, tell)
        finally:
            crowd.close()
    return {
        "preset": preset,
        "members": crowd.n_members,
        "workers": 1,
        "matches_per_worker": crowd.config.arena.matches_per_worker,
        "matches": len(played.results),
        "matches_per_s": 1.0 / played.cpu_s,
        "ticks_per_s": played.mean_ticks / played.cpu_s,
        "mean_ticks": played.mean_ticks,
        "goal_matches_per_s": GOAL_MATCHES_PER_S if preset == "small" else None,
        "machine": machine.describe(),
    }


def lines(result: dict[str, Any]) -> list[str]:
    """Return the result as text."""
    goal = result["goal_matches_per_s"]
    return [
        f"arena      {result['matches_per_s']:10.2f} rated matches/s of processor time, "
        f"{result['members']} members, {result['matches']} matches of "
        f"{result['mean_ticks']:,.0f} ticks on average in batches of "
        f"{result['matches_per_worker']}, preset {result['preset']}"
        + ("" if goal is None else f" (goal {goal:.0f})"),
        f"           on {machine.sentence(result['machine'])}",
    ]
