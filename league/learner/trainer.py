"""The life of a learner without its process: train, offer snapshots, write checkpoints.

A `Trainer` owns a LeaguePPO and its matches. Whoever runs it sets `roster` and calls it; it never
talks to the manager (league.learner.process does), so that it can be run alone in a test or a
benchmark.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.random import Generator

from agents.description import SnapshotDescription
from agents.policy import PolicyAgent
from agents.registry import make_loader
from agents.snapshots import SnapshotStore
from arena.agent import Agent
from arena.machine import is_machine_trouble
from arena.territory.engine import rules
from arena.territory.maps import TerritoryMap
from league.folder.layout import LeagueFolder
from league.folder.room import describe_trouble
from league.learner.board import Board, open_board
from league.learner.checkpoints import Checkpoint, CheckpointStore, restore
from league.learner.dealing import deal
from league.learner.device_path import DevicePath
from league.learner.draws import draw_seats, draw_wave, whom_it_meets
from league.learner.due import DueSnapshots
from league.learner.environment import LeagueVecEnv
from league.learner.lessons import Lessons
from league.learner.messages import LearnerOrders, Meets, Roster
from league.learner.mirror import open_mirror
from league.learner.outgoing import OutgoingOffers, snapshot_place
from league.learner.ranks import Joined, Ranks, rank_seed
from league.learner.ratchet import Ratchet
from league.learner.since import SinceSnapshot
from league.learner.waiting import Waiting
from league.matches.worker import cached_maps
from league.matchmaking.promotion import SnapshotDecision, reset_after_snapshot
from league.ppo import survival
from league.ppo.algorithm import LeaguePPO
from league.ppo.averaging import snapshot_weights
from league.ppo.peers import Peers, device_of
from league.ppo.reference import Reference
from msattn.actor_critic import ActorCritic, policy_weights, start_heads
from msattn.device import choose_device
from msattn.memory import keep_freed_memory
from msattn.sb3 import policy_kwargs

log = logging.getLogger(__name__)


class Trainer:
    """One lineage in training.

    Args:
        orders: see LearnerOrders.
        waiting: what is read and written is tried again through it; None makes one that sleeps.
        peers: the other ranks that train this lineage; None without any. All but the first take
            their state from it and wait for its words (league.learner.ranks).

    Attributes:
        ranks: what they do together; None without any.
        ppo, env: the learner and its matches.
        roster: whom it may meet; self-play only until the manager has sent one.
        parent: hash of the snapshot that the present weights descend from; None if from none.
        has_restarted: the lineage's newest snapshot is not that one.
        alive: called before every minibatch of an update.
        is_fresh: neither a checkpoint nor a snapshot was there to go on from.
    """

    def __init__(
        self, orders: LearnerOrders, waiting: Waiting | None = None, peers: Peers | None = None
    ) -> None:
        self.orders = orders
        self.waiting = waiting or Waiting(Path(orders.root))
        self.peers = peers
        self.settings = orders.settings.of_a_rank(1 if peers is None else peers.size)
        self._seed = rank_seed(orders.seed, 0 if peers is None else peers.rank)
        self.folder = LeagueFolder.at(orders.root)
        self._due = DueSnapshots(self.settings.snapshots)
        self.roster = Roster((), {}, ())
        self.wave: list[str] = []
        self.meets = Meets()  # in the newest update
        self.parent = orders.snapshot
        self.has_restarted = False
        self.since = SinceSnapshot()
        self.alive: Callable[[], None] = lambda: None
        self._reference: Reference | None = None  # the newest snapshot's policy
        torch.set_num_threads(self.settings.n_threads)
        keep_freed_memory()
        self.device = device_of(orders.place, choose_device(self.settings.device))
        self.store = self.waiting(
            "open the snapshots", lambda: SnapshotStore(snapshot_place(orders, self.folder))
        )
        self.outgoing = OutgoingOffers(self.store)
        self.torso = self.settings.torso
        self.shapes = self.settings.env.views.shapes()
        self._mirror = self._make_mirror()
        self._maps = cached_maps(self.folder.root, orders.store)
        self.path = DevicePath.of(self.device, self._mirror.network, self.settings.env, self._maps)
        self.env = self._make_env()
        self.ppo = self._make_ppo()
        self.path.take(self.env, self.ppo)
        self.lessons = Lessons(self, self._draw, self._mirror, self._copy_to_mirror)
        self.ratchet = Ratchet(self)
        self._last_checkpoint = time.monotonic()
        self.ranks = None if peers is None else Ranks(self, peers)
        self.is_fresh = False
        self.board = Board([])
        if self.ranks is not None and not self.ranks.is_first:
            self.ranks.take_state()
            return
        self.checkpoints = self.waiting("open the checkpoints", self._open_checkpoints)
        self.is_fresh = not self._resume()
        self.board = open_board(self)

    # --- building ---------------------------------------------------------------------------------

    def _open_checkpoints(self) -> CheckpointStore:
        folder = self.folder.checkpoints / self.orders.name
        keep = self.settings.keep_checkpoints
        mirror = open_mirror(self.orders, self.folder, keep)
        return CheckpointStore(folder, keep=keep, mirror=mirror)

    def _make_mirror(self) -> PolicyAgent:
        """Make the copy of the current weights that plays the self-play seats."""
        n_actions = self.settings.env.views.n_actions
        network = ActorCritic(self.orders.family, self.shapes, self.torso, n_actions=n_actions)
        return PolicyAgent(network, self.shapes, device=self.device, name="self-play")

    def loaders(self) -> tuple[Callable[[str], Agent], Callable[[str], TerritoryMap]]:
        """Return what loads agents and maps, waiting for the machine where it must."""
        agents = make_loader(self.store, device=str(self.device), forwards=self.path.forwards)
        return self.waiting.loader(agents), self.waiting.loader(self._maps)

    def _make_env(self) -> LeagueVecEnv:
        seats = (self._draw, self._mirror)
        return LeagueVecEnv(self.settings.env, *self.loaders(), *seats, self._seed)

    def _make_ppo(self) -> LeaguePPO:
        ppo = LeaguePPO(
            self.env,
            self.settings.ppo,
            policy_kwargs=policy_kwargs(self.orders.family, self.torso),
            seed=self._seed % 2**32,
            device=self.device,
        )
        ppo.peers = self.peers
        ppo.alive = lambda: self.alive()
        return ppo

    def _resume(self) -> bool:
        """Go on from the newest checkpoint, else snapshot, with all ranks; False without either."""
        checkpoint = self.waiting("read its checkpoint", self.checkpoints.load)
        if checkpoint is not None:
            self._go_on(checkpoint)
            return True
        has_snapshot = self.orders.snapshot is not None
        if self.orders.snapshot is not None:
            self.ppo.num_timesteps = self.orders.trained_decisions
            self._load_weights(self.orders.snapshot)
            log.info("no checkpoint: going on from snapshot %s", self.orders.snapshot[:12])
        else:
            self._start_fresh()
        if self.ranks is not None:
            self.ranks.share_state([None] * self.ranks.size)
        return has_snapshot

    def _go_on(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint, with all ranks."""
        extra = checkpoint.extra
        self.parent = extra["parent"]
        self.has_restarted = bool(extra.get("has_restarted", False))
        self.wave = [spec for spec in extra["wave"] if self._is_there(spec)]
        # Checkpoints of 0.1.0 hold totals instead of scores: they begin to count anew.
        self.since = SinceSnapshot(extra["since_decisions"], extra.get("since_scores", {}))
        self.take_mask(bool(extra.get("relation_mask", False)))
        others = extra.get("ranks", [])  # a checkpoint of one rank has none
        env = self.settings.env
        dealt = deal(
            [extra["env"], *(other["env"] for other in others)],
            1 if self.ranks is None else self.ranks.size,
            env.n_matches,
            env.seats_per_match,
        )
        for said in dealt.said:
            log.warning("%s goes on from its checkpoint: %s", self.orders.name, said)
        observations = self.env.set_state(dealt.states[0])
        restore(self.ppo, checkpoint, observations)
        self.lessons.inherit(extra.get("taught"))
        self.ratchet.inherit(extra.get("ratchet"))
        self._copy_to_mirror()
        if self.ranks is not None:
            self.ranks.share_state(dealt.states, [None, *(other["random"] for other in others)])
        log.info("resumed from the checkpoint at %d decisions", self.ppo.num_timesteps)

    def _is_there(self, spec: str) -> bool:
        """Return whether an opponent of a checkpoint can still be loaded: it may be pruned."""
        sha256 = spec.removeprefix("snapshot:")
        return sha256 == spec or self.store.has(sha256)

    def _start_fresh(self) -> None:
        """Make an untrained policy wait often: its attacks would otherwise use up its troops."""
        policy: Any = self.ppo.policy
        start_heads(policy.features_extractor.torso, policy.action_net)
        with torch.no_grad():
            first = rules.WAIT_DIRECTION * rules.N_INTENSITIES
            bias: torch.Tensor = self.ppo.policy.action_net.get_parameter("bias")
            bias[first : first + rules.N_INTENSITIES] += self.settings.wait_bias
        self.take_mask(False)

    def take_mask(self, inherited: bool) -> None:
        """Choose with the relation mask or without, as the settings say or the parent did."""
        choice = {"on": True, "off": False}.get(self.settings.relation_mask, inherited)
        self.env.relation_mask = self._mirror.relation_mask = choice

    def _load_weights(self, sha256: str) -> None:
        loaded = self.waiting(f"load snapshot {sha256[:12]}", lambda: self.store.load(sha256))
        weights = loaded.network.state_dict()
        missing, unexpected = self.ppo.policy.load_state_dict(weights, strict=False)
        duplicates = ("pi_features_extractor", "vf_features_extractor", survival.NAME)
        if unexpected or any(not name.startswith(duplicates) for name in missing):
            raise ValueError(f"snapshot {sha256[:12]} does not fit the league's network")
        self.take_mask(loaded.description.relation_mask)
        self.lessons.inherit(loaded.description.extra.get("taught"))

    @property
    def roster(self) -> Roster:
        """The newest roster."""
        return self._roster

    @roster.setter
    def roster(self, roster: Roster) -> None:
        self._roster = roster
        self._due.hear(roster.seconds_left)

    # --- opponents --------------------------------------------------------------------------------

    def _draw(self, n: int, rng: Generator) -> list[str]:
        """Draw the other seats of a new match from this wave."""
        return draw_seats(self.wave, self.orders.role, n, rng, self.settings.opponents)

    def _copy_to_mirror(self) -> None:
        self._mirror.network.load_state_dict(policy_weights(self.ppo.policy.state_dict()))

    def _is_stirred(self) -> bool:
        """Begin the schedules anew at a plateau; return whether one was found lately."""
        at = self.roster.stirred_at
        if at is None:
            return False
        now = self.ppo.num_timesteps
        self.ppo.schedules_from = max(self.ppo.schedules_from, min(at, now))
        return now - at < self.settings.opponents.stirred_decisions

    # --- training ---------------------------------------------------------------------------------

    def update(self) -> tuple[dict[str, float], dict[str, tuple[int, float]]]:
        """Collect one rollout and make one PPO update.

        Returns:
            the update's numbers, and the games and beats by opponent spec.

        Raises:
            LearnerError: see LeaguePPO.update.
        """
        began, before = time.perf_counter(), self.ppo.num_timesteps
        whom, role = self.settings.opponents, self.orders.role
        n = whom.n_per_wave * (2 if self._is_stirred() else 1)
        self.wave = draw_wave(self.roster, role, n, self.env.rng, whom)
        self.meets = whom_it_meets(self.roster, role, self.wave, whom)
        if self.ranks is not None:
            self.ranks.begin_update()
        joined = self.play_and_learn()
        numbers = joined.numbers
        seconds = self._due.update_s = time.perf_counter() - began
        decisions = self.ppo.num_timesteps - before
        numbers["decisions_per_s"] = decisions / seconds
        if self.ppo.episodes:
            first = [episode["placement"] == 1 for episode in self.ppo.episodes]
            numbers["first_places"] = float(np.mean(first))
        self.since.decisions += decisions
        self.since.add(joined.scores)
        self.board.write(self.ppo.num_timesteps, numbers, self.ppo.policy, self.ppo.rollout_buffer)
        return numbers, joined.results

    def play_and_learn(self) -> Joined:
        """Make an update against the wave that was drawn, with the other ranks if there are any."""
        before = self.ppo.num_timesteps
        self._copy_to_mirror()
        self.lessons.prepare()
        self.ratchet.prepare()
        try:
            if self.ranks is not None:
                return self.ranks.update()
            numbers = dict(self.ppo.update())
        except BaseException:
            self.ppo.num_timesteps = before  # decisions of a lost rollout taught nothing
            raise
        numbers.update(self.lessons.numbers() | self.ratchet.numbers())
        return Joined(numbers, self.env.take_results(), self.env.take_scores())

    def close(self) -> None:
        """Finish the curves; nothing else is held open."""
        self.board.close()
        if self.ranks is None or self.ranks.is_first:
            self.checkpoints.close()

    # --- snapshots --------------------------------------------------------------------------------

    def snapshot_due(self) -> SnapshotDecision:
        """Decide whether to offer a snapshot now (league.matchmaking.promotion)."""
        trained = self.ppo.num_timesteps - self.since.decisions
        kl = None if self._reference is None else self._reference.kl(self.ppo)
        return self._due.decide(
            trained, self.since, self.roster.required, role=self.orders.role, kl=kl
        )

    def offer(self) -> str:
        """Freeze the current weights, or their average, into an offer; return its hash."""
        self.ratchet.judge()
        description = self.describe()
        weights = snapshot_weights(self.ppo)
        sha256 = self.waiting("offer a snapshot", lambda: self.store.offer(weights, description))
        self.parent = sha256
        self.has_restarted = False
        self._due.offered()
        self.since = SinceSnapshot()
        self._reference = Reference.of(self.ppo)
        return sha256

    def describe(self) -> SnapshotDescription:
        """Return what a snapshot of the current weights says of itself."""
        return SnapshotDescription(
            family=self.orders.family,
            **self.settings.env.views.versions,
            torso=self.torso,
            shapes=self.shapes,
            lineage=self.orders.name,
            parent=self.parent,
            trained_decisions=self.ppo.num_timesteps,
            seed=self.orders.seed,
            relation_mask=self.env.relation_mask,
            extra={"role": self.orders.role, **self.lessons.extra},
        )

    def after_snapshot(self) -> bool:
        """Start an exploiter again, as its role demands; return whether it was.

        What comes next has the parent that its weights descend from: an early ancestor of a main,
        or none. Its schedules begin anew.
        """
        choice = reset_after_snapshot(self.orders.role, self.env.rng)
        if choice == "keep":
            return False
        fresh = self._make_ppo()
        fresh.num_timesteps = fresh.schedules_from = self.ppo.num_timesteps
        fresh._last_obs = self.ppo._last_obs
        self.ppo = fresh
        self.ratchet.forget()
        if choice == "early_ancestor" and self.roster.early_ancestors:
            self.parent = self.roster.early_ancestors[0].removeprefix("snapshot:")
            self._load_weights(self.parent)
        else:
            self.lessons.inherit(None)
            self.parent = None
            self._start_fresh()
        self.has_restarted = True
        self._reference = None
        if self.ranks is not None:
            self.ranks.share_again()
        log.info(
            "%s starts again after its snapshot, from %s",
            self.orders.name,
            "untrained weights" if self.parent is None else f"snapshot {self.parent[:12]}",
        )
        return True

    # --- checkpoints ------------------------------------------------------------------------------

    def checkpoint(self, *, force: bool = False) -> bool:
        """Write a checkpoint when one is due, however long the machine prevents it."""
        now = time.monotonic()
        if not force and now - self._last_checkpoint < self.settings.checkpoint_every_s:
            return False
        extra = self._extra()
        if extra is None:
            return False
        self.waiting("write a checkpoint", lambda: self.checkpoints.save(self.ppo, extra))
        self._last_checkpoint = now
        return True

    def last_checkpoint(self) -> bool:
        """Write a checkpoint before the end, in one attempt; return whether it was written.

        A learner that is stopped while the machine is in trouble leaves without: it goes on from
        the checkpoint before. So does one that was stopped inside a step of its matches.
        """
        why = "it was stopped while a match waited to begin"
        extra = self._extra()
        if extra is not None:
            try:
                self.checkpoints.save(self.ppo, extra)
            except Exception as error:
                if not is_machine_trouble(error):
                    raise
                why = describe_trouble(error, self.folder.root)
            else:
                return True
        log.warning("leaves without a last checkpoint (%s): it goes on from the one before", why)
        return False

    def _extra(self) -> dict[str, Any] | None:
        """Return what a checkpoint holds beside the learner; None inside a step of the matches."""
        others: list[dict[str, Any]] = []
        if self.ranks is not None:
            states = self.ranks.states()
            if states is None:
                return None
            others = states[1:]
        if self.env.is_inside_step:
            return None
        extra = {
            "env": self.env.state(),
            "parent": self.parent,
            "has_restarted": self.has_restarted,
            "wave": self.wave,
            "since_decisions": self.since.decisions,
            "since_scores": self.since.scores,
            "relation_mask": self.env.relation_mask,
            "taught": self.lessons.taught,
            "ratchet": self.ratchet.state(),
        }
        return {**extra, "ranks": others} if others else extra
