"""A trainer's ranks, as threads: alike after every update, through checkpoints and stops."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest

from league.bench.learner import make_orders
from league.config.layers import resolve
from league.config.toml import write_toml
from league.config.tree import LeagueConfig
from league.errors import ConfigError
from league.folder.layout import create_folder
from league.learner.messages import Finished, LearnerOrders, Ready, Roster, Stop
from league.learner.process import follow, train
from league.learner.ranks import digest, rank_seed
from league.learner.trainer import Trainer
from league.matchmaking.opponents import Foe
from tests.league.learner.test_process import ScriptedManager
from tests.league.ppo.thread_peers import ThreadPeers, together

SETS = (
    "views.global_size=16",
    "views.local_size=16",
    "maps.train=['generated:continents:64x64:1']",
    "learner.n_steps=64",
    "learner.batch_size=32",
    "learner.n_matches=4",
    "learner.n_ranks=2",
)
ROSTER = Roster((Foe(0, 0.5),), {0: "scripted:tribe"}, ())
Result = TypeVar("Result")


@pytest.fixture
def orders(tmp_path: Path) -> LearnerOrders:
    config = resolve("small", None, SETS)
    folder = create_folder(tmp_path / "league", write_toml(config))
    return make_orders(folder.root, config, "baseline")


def lead(trainer: Trainer, do: Callable[[Trainer], Result]) -> Result:
    """Do something as the first rank, and let the others go."""
    trainer.roster = ROSTER
    found = do(trainer)
    if trainer.ranks is not None:
        trainer.ranks.leave()
    return found


def as_group(
    orders: LearnerOrders, do: Callable[[Trainer], Result], n: int = 2
) -> tuple[Result, list[Trainer]]:
    """Have `n` ranks do something; returns what came of it, and the trainers."""
    trainers: list[Trainer] = [None] * n  # type: ignore[list-item]

    def first(peers: ThreadPeers) -> Result:
        trainers[0] = Trainer(orders, peers=peers)
        return lead(trainers[0], do)

    def other(peers: ThreadPeers) -> Any:
        # Processes have random streams of their own, and threads do not: one begins at a time.
        peers.meeting.first_is_there.wait()
        trainer = trainers[peers.rank] = Trainer(orders, peers=peers)
        follow(ScriptedManager(), trainer)

    found = together(first, *[other] * (n - 1))
    return found[0], trainers


def two_updates(trainer: Trainer) -> list[tuple[int, dict[str, float]]]:
    found = []
    for _ in range(2):
        numbers, _ = trainer.update()
        found.append((trainer.ppo.num_timesteps, numbers))
    trainer.checkpoint(force=True)
    return found


def test_ranks_have_equal_weights_other_matches_and_count_together(orders: LearnerOrders) -> None:
    found, (first, other) = as_group(orders, two_updates)
    assert digest(first.ppo) == digest(other.ppo)
    assert [trainer.env.settings.n_matches for trainer in (first, other)] == [2, 2]
    seeds = [{spec.seed for spec in t.env.specs if spec is not None} for t in (first, other)]
    assert not seeds[0] & seeds[1]
    assert first.ppo.num_timesteps == other.ppo.num_timesteps == found[-1][0]
    stored = [t.ppo.rollout_buffer.size() for t in (first, other)]
    numbers = found[-1][1]
    assert numbers["n_transitions"] == sum(stored) == found[1][0] - found[0][0]
    assert 64 <= sum(stored) < 64 + 20  # at least n_steps in all: four matches of five seats more
    assert numbers["first_ratio_error"] < 1e-5
    assert first.since.decisions == found[-1][0]
    assert first.wave == other.wave


def test_a_checkpoint_of_two_ranks_goes_on_with_two_to_the_last_bit(
    orders: LearnerOrders, tmp_path: Path
) -> None:
    unbroken, _ = as_group(orders, lambda t: [two_updates(t), two_updates(t)][1])
    copy = tmp_path / "again"
    create_folder(copy, (Path(orders.root) / "league.toml").read_text())
    again = make_orders(copy, resolve("small", None, SETS), "baseline")
    as_group(again, two_updates)
    broken, (first, other) = as_group(again, two_updates)
    assert not first.is_fresh
    assert digest(first.ppo) == digest(other.ppo)
    for (count, numbers), (expected_count, expected) in zip(broken, unbroken, strict=True):
        assert count == expected_count
        for name in ("loss", "kl", "entropy", "grad_norm", "explained_variance"):
            assert numbers[name] == expected[name]


def test_two_ranks_go_on_as_one_and_as_two_again_and_say_what_they_dropped(
    orders: LearnerOrders, caplog: pytest.LogCaptureFixture
) -> None:
    _, (first, other) = as_group(orders, two_updates)
    specs = [spec for trainer in (first, other) for spec in trainer.env.specs]
    with caplog.at_level(logging.WARNING):
        alone = Trainer(orders)
    assert alone.env.specs == specs  # all four matches, in their order
    assert alone.ppo.num_timesteps == first.ppo.num_timesteps
    assert digest(alone.ppo) == digest(first.ppo)
    assert caplog.messages == [
        "bench goes on from its checkpoint: it was written by 2 ranks and goes on with 1",
        "bench goes on from its checkpoint: the random streams of 1 of them end",
    ]
    caplog.clear()
    lead(alone, two_updates)
    specs = list(alone.env.specs)
    (_, (first, other)) = as_group(orders, lambda trainer: None)
    assert [*first.env.specs, *other.env.specs] == specs
    assert digest(first.ppo) == digest(other.ppo) == digest(alone.ppo)
    assert "random streams begin for 1 of them" in caplog.text


def test_a_stop_that_one_rank_hears_in_a_rollout_ends_it_on_all_with_a_checkpoint(
    orders: LearnerOrders,
) -> None:
    manager = ScriptedManager(ROSTER)
    trainers: dict[int, Trainer] = {}

    def first(peers: ThreadPeers) -> None:
        trainers[0] = trainer = Trainer(orders, peers=peers)
        train(manager, trainer)
        assert trainer.ranks is not None
        trainer.ranks.leave()

    def other(peers: ThreadPeers) -> None:
        trainers[1] = trainer = Trainer(orders, peers=peers)
        hears = ScriptedManager()
        step = trainer.env.step_async

        def third_update(actions: Any) -> None:
            if trainer.ppo._n_updates == 2:
                hears.orders.append(Stop())  # the first rank never hears of it
            step(actions)

        trainer.env.step_async = third_update  # type: ignore[method-assign]
        follow(hears, trainer)

    together(first, other)
    said = [type(message).__name__ for message in manager.heard]
    assert said == ["Ready", "Offered", "Progress", "Progress"]
    assert trainers[0].ppo.num_timesteps == trainers[1].ppo.num_timesteps
    assert Ready(0) in manager.heard and Finished() not in manager.heard
    again = Trainer(orders)
    assert again.ppo.num_timesteps == trainers[0].ppo.num_timesteps
    assert len(again.checkpoints.list()) == 1


def test_an_exploiter_that_begins_again_does_so_on_all_ranks(
    orders: LearnerOrders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("league.learner.trainer.reset_after_snapshot", lambda role, rng: "fresh")

    def restart(trainer: Trainer) -> None:
        trainer.update()
        trainer.offer()
        assert trainer.after_snapshot()
        trainer.update()

    _, (first, other) = as_group(orders, restart)
    assert digest(first.ppo) == digest(other.ppo)
    assert first.ppo.schedules_from == other.ppo.schedules_from > 0


def test_weights_that_parted_by_rounding_are_made_equal_again(
    orders: LearnerOrders, caplog: pytest.LogCaptureFixture
) -> None:
    def part(trainer: Trainer) -> None:
        trainer.update()
        bias = trainer.ppo.policy.action_net.get_parameter("bias")
        bias.data[0] += 1e-6  # on this rank alone
        trainer.update()
        trainer.update()

    _, (first, other) = as_group(orders, part)
    assert caplog.text.count("part by rounding") == 1
    assert digest(first.ppo) == digest(other.ppo)


def test_ranks_draw_from_streams_of_their_own() -> None:
    seeds = {rank_seed(7, rank, n) for rank in range(1, 50) for n in (0, 1_000)}
    assert len(seeds) == 98 and rank_seed(7, 0) == 7
    assert all(0 <= seed < 2**63 for seed in seeds)


@pytest.mark.parametrize(
    ("sets", "said"),
    [
        (("learner.n_ranks=5",), "n_matches (24) must be a multiple of n_ranks (5)"),
        (("learner.n_ranks=3",), "n_steps (4096) must be a multiple of n_ranks (3)"),
        (("learner.n_ranks=2", "network.norm=batch"), "must be 1 where network.norm is batch"),
    ],
)
def test_ranks_that_cannot_share_are_refused_with_a_sentence(
    sets: tuple[str, ...], said: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        resolve("small", None, sets)
    assert said in str(caught.value)


def test_one_rank_is_the_default_and_joins_no_group(orders: LearnerOrders) -> None:
    import torch.distributed as dist

    assert LeagueConfig().learner.n_ranks == 1
    trainer = Trainer(orders)
    assert trainer.ranks is None and trainer.ppo.peers is None
    assert not dist.is_initialized()


@pytest.fixture(autouse=True)
def no_streams_leave_the_test() -> Iterator[None]:
    """Trainers set the process's random streams; put them back."""
    import random

    import numpy as np
    import torch

    kept = torch.get_rng_state(), np.random.get_state(), random.getstate()
    yield
    torch.set_rng_state(kept[0])
    np.random.set_state(kept[1])
    random.setstate(kept[2])


def test_a_rank_on_another_machine_is_held_near_the_taught_policy_too(
    orders: LearnerOrders, tmp_path: Path
) -> None:
    """The other rank's folder is empty: it has the policy from the first."""
    elsewhere = create_folder(
        tmp_path / "elsewhere", (Path(orders.root) / "league.toml").read_text()
    )
    taught = {"by": "me", "lineage": orders.name, "rows": 1, "agreement": 1.0}
    trainers: list[Trainer] = []

    def first(peers: ThreadPeers) -> None:
        trainer = Trainer(orders, peers=peers)
        trainer.lessons.taught = taught
        trainer.lessons._folder.mkdir(parents=True, exist_ok=True)
        trainer.lessons._write_reference()
        trainer.lessons.inherit(taught)
        assert trainer.ranks is not None
        trainer.ranks.share_again()
        trainers.append(trainer)
        trainer.ranks.leave()

    def other(peers: ThreadPeers) -> None:
        peers.meeting.first_is_there.wait()
        trainer = Trainer(replace(orders, root=str(elsewhere.root)), peers=peers)
        follow(ScriptedManager(), trainer)
        trainers.append(trainer)

    together(first, other)
    files = [trainer.lessons._reference.read_bytes() for trainer in trainers]
    assert files[0] == files[1] and trainers[0].folder.root != trainers[1].folder.root
    assert all(trainer.lessons._near is not None for trainer in trainers)
