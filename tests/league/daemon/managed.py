"""A manager between a scripted arena and two scripted learners, for the tests of it."""

from __future__ import annotations

import torch

from agents.description import SnapshotDescription
from agents.snapshots import SnapshotStore
from arena.territory.observation.views import ACTION_VERSION, OBSERVATION_VERSION
from db import queries
from db.records import LearnerRecord
from db.session import read_transaction
from league.daemon.manager import Manager
from league.learner.messages import (
    LearnerOrders,
)
from msattn.actor_critic import ActorCritic
from tests.league.daemon.scripted import League, ScriptedArena, ScriptedProcess


class Run:
    """A manager between a scripted arena and two scripted learners."""

    def __init__(self, league: League, ends: float | None = None) -> None:
        self.league = league
        self.arena = ScriptedArena()
        self.processes: dict[str, ScriptedProcess] = {}
        self.orders: dict[str, LearnerOrders] = {}
        self.manager = Manager(
            league.folder,
            league.config,
            league.engine,
            arena=self.arena,
            launch=self._launch,
            ends=ends,
        )

    def _launch(self, name: str, orders: LearnerOrders) -> ScriptedProcess:
        self.orders[name] = orders
        self.processes[name] = ScriptedProcess()
        return self.processes[name]

    def turn(self) -> None:
        self.manager.turn(0.0)

    def say(self, *messages: object, learner: str = "attention") -> None:
        """Let a learner say something, and the manager take it."""
        self.processes[learner].messages.extend(messages)
        self.turn()

    def told(self, kind: type, learner: str = "attention") -> list[object]:
        return [m for m in self.processes[learner].sent if isinstance(m, kind)]

    def learner(self, name: str = "attention") -> LearnerRecord:
        with read_transaction(self.league.engine) as session:
            found = queries.learner_by_name(session, name)
        assert found is not None
        return found

    def offer(self, *, parent: str | None = None, global_size: int = 16, seed: int = 0) -> str:
        """Put a snapshot of a new network into snapshots/offered; returns its hash."""
        views = self.league.config.views.to_views()
        shapes = {**views.shapes()}
        channels, _, _ = shapes["global"]
        shapes["global"] = (channels, global_size, global_size)
        torch.manual_seed(seed)
        torso = self.league.config.network.to_torso()
        network = ActorCritic("attention", shapes, torso)
        store = SnapshotStore(self.league.folder.snapshots)
        description = SnapshotDescription(
            family="attention",
            observation_version=OBSERVATION_VERSION,
            action_version=ACTION_VERSION,
            torso=torso,
            shapes=shapes,
            lineage="attention",
            parent=parent,
            trained_decisions=640,
            seed=seed,
        )
        return store.offer(network.state_dict(), description)

    def names(self) -> list[str]:
        with read_transaction(self.league.engine) as session:
            return [member.name for member in queries.list_members(session)]

    def events(self, kind: str) -> list[str]:
        with read_transaction(self.league.engine) as session:
            return [event.message for event in queries.list_events(session, kind=kind)]
