"""A rollout in halves: the transitions of one without, whatever the number of threads."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from league.bench.learner import make_trainer
from league.config.layers import resolve
from league.errors import ConfigError
from league.learner.trainer import Trainer
from league.learner.waiting import StopOrdered
from league.ppo.errors import LearnerError
from tests.league.ppo.learner_toys import learner

SETS = (
    "views.global_size=16",
    "views.local_size=16",
    "maps.train=['generated:continents:64x64:1']",
    "learner.n_steps=400",
    "learner.batch_size=64",
    "learner.n_matches=3",  # halves of one match and of two
    "rules.max_ticks=600",
)
MEMBERS = ("scripted:tribe", "scripted:opportunist")


def trainer_with(folder: Path, halves: int, threads: int) -> Trainer:
    sets = (*SETS, f"learner.n_halves={halves}", f"arena.n_threads={threads}")
    trainer = make_trainer(folder / f"{halves}-{threads}", resolve("small", None, sets), "baseline")
    frozen = trainer.roster.specs[5]  # a network in an opponent's seat
    assert frozen.startswith("snapshot:")
    trainer.wave = [*MEMBERS, frozen]
    return trainer


def rollouts(trainer: Trainer, n: int) -> list[dict[str, Any]]:
    """What the learner stored in `n` rollouts, and what it heard of their ends."""
    found = []
    for _ in range(n):
        trainer.ppo.collect()
        buffer = trainer.ppo.rollout_buffer
        size = buffer.size()
        found.append(
            {
                "rows": buffer._rows[:size].copy(),
                "rewards": buffer._rewards[:size].copy(),
                "dones": buffer._dones[:size].copy(),
                "actions": buffer.actions[:size].numpy().copy(),
                "masks": buffer.action_masks[:size].numpy().copy(),
                **{key: seen[:size].numpy().copy() for key, seen in buffer.observations.items()},
                "values": buffer.values[:size].numpy().copy(),
                "advantages": buffer.advantages[:size].numpy().copy(),
                "episodes": list(trainer.ppo.episodes),
                "decisions": trainer.ppo.num_timesteps,
                "draws": trainer.env.rng.bit_generator.state["state"],
                "noise": trainer.ppo.generator.get_state().numpy().copy(),
            }
        )
    return found


@pytest.mark.parametrize(("halves", "threads"), [(2, 1), (1, 2), (2, 2)])
def test_halves_and_threads_store_the_same_transitions(
    tmp_path: Path, halves: int, threads: int
) -> None:
    expected = rollouts(trainer_with(tmp_path, 1, 1), 3)
    found = rollouts(trainer_with(tmp_path, halves, threads), 3)
    # Matches ended and began again: 60 decisions are the longest, and 3 x 400 of 15 rows are 80.
    assert sum(len(part["episodes"]) for part in expected) > 15
    for one, other in zip(found, expected, strict=True):
        for name in expected[0]:
            if name in ("values", "advantages"):  # of a network that sees other batches
                np.testing.assert_allclose(one[name], other[name], atol=1e-5, err_msg=name)
            elif isinstance(other[name], np.ndarray):
                assert np.array_equal(one[name], other[name]), name
            else:
                assert one[name] == other[name], name


def test_the_game_moves_in_another_thread_and_only_there(tmp_path: Path) -> None:
    trainer = trainer_with(tmp_path, 2, 1)
    env, stepped, decided = trainer.env, set(), set()
    step, act = env.step_matches, trainer.ppo._act

    def step_matches(matches: range) -> Any:
        stepped.add(threading.get_ident())
        return step(matches)

    def decide(*args: Any, **more: Any) -> Any:
        decided.add(threading.get_ident())
        return act(*args, **more)

    env.step_matches = step_matches  # type: ignore[method-assign]
    trainer.ppo._act = decide  # type: ignore[method-assign]
    trainer.ppo.collect()
    assert len(stepped) == len(decided) == 1 and not stepped & decided
    seconds = trainer.ppo.seconds
    assert sum(seconds.values()) > 0.0 and min(seconds["env"], seconds["policy"]) > 0.0


def test_a_stop_leaves_both_halves_between_two_decisions(tmp_path: Path) -> None:
    trainer = trainer_with(tmp_path, 2, 1)
    calls = 0

    def before_step() -> None:
        nonlocal calls
        calls += 1
        if calls == 4:
            raise StopOrdered

    trainer.env.before_step = before_step
    with pytest.raises(StopOrdered):
        trainer.ppo.collect()
    assert calls == 4  # once a decision
    played = [match.n_decisions for match in trainer.env.lockstep.matches if match is not None]
    assert played == [3, 3, 3] and not trainer.env.is_inside_step
    assert trainer.last_checkpoint()


def test_an_error_of_the_game_ends_the_rollout_and_no_step_follows(tmp_path: Path) -> None:
    trainer = trainer_with(tmp_path, 2, 1)
    steps: list[range] = []
    step = trainer.env.step_matches

    def step_matches(matches: range) -> Any:
        steps.append(matches)
        if len(steps) == 5:
            raise ValueError("no such map")
        return step(matches)

    trainer.env.step_matches = step_matches  # type: ignore[method-assign]
    with pytest.raises(ValueError, match="no such map"):
        trainer.ppo.collect()
    assert len(steps) == 5


def test_a_draw_of_many_rows_begins_with_that_of_its_first() -> None:
    # What the second half relies on, of torch on a CPU.
    generator = torch.Generator().manual_seed(7)
    for first, second in ((1, 1), (7, 13), (60, 60), (3, 125)):
        state = generator.get_state()
        few = torch.empty(first, 45).exponential_(generator=generator)
        generator.set_state(state)
        many = torch.empty(first + second, 45).exponential_(generator=generator)
        assert torch.equal(few, many[:first])


def test_what_has_no_halves_is_refused_with_a_sentence() -> None:
    with pytest.raises(LearnerError, match=r"in halves, found ToyEnv; set learner\.n_halves to 1"):
        learner(n_halves=2).collect()
    with pytest.raises(ConfigError, match="or one half has no match"):
        resolve("small", None, ("learner.n_halves=2", "learner.n_matches=1"))
