"""Each check of the audit finds nothing where its invariant holds, and the break where not."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from agents.policy import PolicyAgent
from arena.match import MatchResult, pack_actions, unpack_actions
from arena.territory.engine.engine import Engine
from arena.territory.maps import load_map
from arena.territory.observation.keys import VIEW_NAMES
from arena.territory.observation.views import N_SCALARS, SMALL_VIEWS
from league.bench import audit, invariants
from league.bench.invariants import Outcome, Seen
from league.cli.main import main
from league.learner.checkpoints import CheckpointStore, restore
from league.ppo.safety import policy_tensors
from tests.league.ppo.learner_toys import ToyEnv, learner
from tests.schemas import fits

positions = cache(audit.positions)
played = cache(audit.matches)


@pytest.fixture(autouse=True, scope="module")
def _one_torch_thread() -> Iterator[None]:
    """Bit for bit is promised for one thread; two on busy cores are ten times slower."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def _rng() -> np.random.Generator:
    return np.random.default_rng(1)


def broken(change: Callable[[Engine, Seen], None]) -> Callable[[Engine], Seen]:
    """What is seen, changed in place."""

    def look(engine: Engine) -> Seen:
        seen = invariants.look(engine)
        change(engine, seen)
        return seen

    return look


# --- observations ---------------------------------------------------------------------------------


def test_observations_of_random_matches_keep_their_symmetries() -> None:
    looked_at = positions(0)
    assert len(looked_at) == audit.N_MATCHES * len(audit.DECISIONS)
    n_living = sum(int((engine.tiles > 0).sum()) for engine in looked_at)
    assert invariants.check_history(looked_at, _rng()) == Outcome(n_living)
    assert invariants.check_numbers(looked_at, _rng()) == Outcome(n_living)
    assert invariants.check_turns(looked_at) == Outcome(3 * n_living)


def test_a_view_that_shows_the_order_of_the_border_is_found() -> None:
    def show_first_tile(engine: Engine, seen: Seen) -> None:
        seen["tactical"][:, 0, 0, 0] = engine.state.border_head[1:] % 256

    outcome = invariants.check_history(positions(0), _rng(), broken(show_first_tile))
    assert len(outcome.failures) > 10
    assert outcome.failures[0] == "match 0, tick 0, player 1: tactical differs"


def test_a_view_that_shows_the_number_of_a_seat_is_found() -> None:
    def show_number(engine: Engine, seen: Seen) -> None:
        seen["scalars"][:, 0] = np.arange(engine.n_players)

    outcome = invariants.check_numbers(positions(0), _rng(), broken(show_number))
    assert outcome.failures and all("scalars differs" in text for text in outcome.failures)


def test_swapped_channels_of_one_player_are_found_among_other_numbers() -> None:
    def swap(engine: Engine, seen: Seen) -> None:
        seen["global"][0, [0, 1]] = seen["global"][0, [1, 0]]

    outcome = invariants.check_numbers(positions(0), _rng(), broken(swap))
    assert outcome.failures and all("global differs" in text for text in outcome.failures)


def test_a_view_whose_rows_are_columns_is_found_when_the_map_turns() -> None:
    def transpose(engine: Engine, seen: Seen) -> None:
        seen["local"] = seen["local"].swapaxes(2, 3)

    outcome = invariants.check_turns(positions(0)[-1:], broken(transpose))
    assert outcome.failures and all("local differs" in text for text in outcome.failures)
    assert "turned by 90 degrees" in outcome.failures[0]


def test_a_mask_that_favours_a_direction_is_found_when_the_map_turns() -> None:
    def forbid_north(engine: Engine, seen: Seen) -> None:
        seen["mask"][:, :5] = 0

    outcome = invariants.check_turns(positions(0)[-1:], broken(forbid_north))
    assert outcome.failures and all("mask differs" in text for text in outcome.failures)


def test_a_neighbour_whose_facts_stand_in_the_wrong_row_is_found_when_the_map_turns() -> None:
    def last_direction(engine: Engine, seen: Seen) -> None:
        seen["neighbours"][:, :, 8:] = seen["neighbours"][:, ::-1, 8:]

    outcome = invariants.check_turns(positions(0)[-1:], broken(last_direction))
    assert outcome.failures and all("neighbours differs" in text for text in outcome.failures)


# --- policies -------------------------------------------------------------------------------------


def _logits(family: str = "attention") -> Callable[[Seen], NDArray[np.float32]]:
    return PolicyAgent(audit.network(family, 0), SMALL_VIEWS.shapes()).logits


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("family", ["attention", "baseline"])
def test_logits_depend_on_the_observation_alone(family: str, version: int) -> None:
    policy = audit.network(family, 0, version)
    assert ("neighbours" in policy.torso.shapes) == (version == 2)
    logits = PolicyAgent(policy, policy.torso.shapes).logits
    outcome = invariants.check_logits(positions(0)[2:4], _rng(), logits)
    assert outcome.cases > 5 and not outcome.failures
    spread = logits(invariants.look(positions(0)[2])).std(axis=0)
    assert spread.max() > 100 * invariants.LOGIT_TOLERANCE  # the seats do differ


def test_logits_that_depend_on_the_batch_or_on_the_row_are_found() -> None:
    def normalised(seen: Seen) -> NDArray[np.float32]:
        found = _logits()(seen)
        return found - found.mean(axis=0)

    def numbered(seen: Seen) -> NDArray[np.float32]:
        found = _logits()(seen)
        return found + 0.01 * np.arange(len(found), dtype=np.float32)[:, None]

    for logits in (normalised, numbered):
        outcome = invariants.check_logits(positions(0)[2:3], _rng(), logits)
        assert outcome.failures and "logits differ by" in outcome.failures[0]


def test_logits_that_are_not_numbers_are_found() -> None:
    def nothing(seen: Seen) -> NDArray[np.float32]:
        return np.full((len(seen["scalars"]), 45), np.nan, np.float32)

    outcome = invariants.check_logits(positions(0)[2:3], _rng(), nothing)
    assert len(outcome.failures) == outcome.cases > 0


def test_directions_that_are_not_judged_alike_are_found() -> None:
    torso = audit.network("attention", 0).torso
    assert torso.scores is not None
    shared, n_features = torso.scores, torso.config.output

    def north_first(scalars: Tensor, features: Tensor) -> Tensor:
        bias = torch.zeros(40)
        bias[:5] = 0.01
        scores: Tensor = shared(scalars, features) + bias
        return scores

    check = invariants.check_shared_directions
    assert check(shared, n_features, N_SCALARS, _rng(), cases=5) == Outcome(5)
    assert check(north_first, n_features, N_SCALARS, _rng(), cases=5).failures


def test_a_whole_policy_does_not_turn_with_the_map() -> None:
    """As docs/observation.md says: the convolutions know north from east."""
    seen = invariants.look(positions(0)[-1])
    turned = {key: np.rot90(seen[key], -1, axes=(2, 3)).copy() for key in VIEW_NAMES}
    waits = _logits()(seen)[:, 40], _logits()({**seen, **turned})[:, 40]
    assert np.abs(waits[0] - waits[1]).max() > 100 * invariants.LOGIT_TOLERANCE


# --- matches and ratings --------------------------------------------------------------------------


def test_random_matches_replay_and_altered_records_do_not(tmp_path: Path) -> None:
    results = played(0)
    assert len({result.spec.map for result in results}) == audit.N_REPLAYS
    assert invariants.check_replays(results, tmp_path, load_map) == Outcome(audit.N_REPLAYS)

    actions = unpack_actions(results[0].actions).copy()
    actions[:20] = 44  # the first two decisions of ten seats: wait
    for altered in (
        replace(results[0], actions=pack_actions([actions])),
        replace(results[0], placements=results[0].placements[::-1]),
        replace(results[0], ticks=results[0].ticks + 1),
        replace(results[0], final_state_sha256="0" * 64),
    ):
        outcome = invariants.check_replays([altered, results[1]], tmp_path, load_map)
        assert outcome.cases == 2 and len(outcome.failures) == 1, altered
        assert str(results[0].spec.seed) in outcome.failures[0]


def test_memory_of_a_match_is_the_same_for_all_and_a_memory_of_looking_is_found() -> None:
    results = played(0)[:3]
    outcome = invariants.check_memory(results, load_map)
    assert outcome.cases > 10 and not outcome.failures

    looks = iter(range(100))

    def counting(engine: Engine) -> Seen:
        return {"neighbours": invariants.look(engine)["neighbours"] + next(looks)}

    found = invariants.check_memory(results, load_map, counting)
    assert len(found.failures) == 3 * audit.RULES.n_seats
    assert found.failures[0].endswith("neighbours differs")


def test_a_rating_log_replays_and_an_altered_one_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "N_RATED", 21)
    log, current = audit.rating_log(tmp_path, 0)
    # Five members, and a child with match 20; five rated seats a match.
    assert len(log) == 5 + 1 + 21 * 5 and sum(row.allowance is not None for row in log) == 1
    assert invariants.check_ratings(log, current) == Outcome(len(log))

    one_bit = replace(log[50], mu=math.nextafter(log[50].mu, 99.0))
    (failure,) = invariants.check_ratings([*log[:50], one_bit, *log[51:]], current).failures
    assert failure == f"the log's row 51 (member {one_bit.member_id}) replays differently"

    member_id, (mu, sigma) = next(iter(current.items()))
    shifted = {**current, member_id: (math.nextafter(mu, 99.0), sigma)}
    (failure,) = invariants.check_ratings(log, shifted).failures
    assert failure.startswith(f"member {member_id} has the rating")
    (failure,) = invariants.check_ratings(log, {**current, 99: (25.0, 8.0)}).failures
    assert failure == "member 99 has a rating and no row in the log"


# --- learners -------------------------------------------------------------------------------------


def _train(root: Path, n_updates: int) -> Mapping[str, NDArray[Any]]:
    env, store = ToyEnv(seed=7), CheckpointStore(root)
    ppo = learner(env, seed=5)
    checkpoint = store.load()
    if checkpoint is not None:
        restore(ppo, checkpoint, env.set_state(checkpoint.extra["env"]))
    for _ in range(n_updates):
        ppo.update()
    store.save(ppo, {"env": env.state()})
    return {name: tensor.detach().numpy().copy() for name, tensor in policy_tensors(ppo.policy)}


def test_a_learner_that_resumes_is_found_equal(tmp_path: Path) -> None:
    outcome = invariants.check_resume(_train, tmp_path)
    assert outcome.cases > 10 and not outcome.failures


def test_a_learner_that_forgets_its_random_streams_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("league.learner.checkpoints.set_random_state", lambda ppo, notes: None)
    outcome = invariants.check_resume(_train, tmp_path)
    assert outcome.failures and outcome.failures[0].endswith("differs")


def test_a_learner_that_does_not_learn_proves_nothing(tmp_path: Path) -> None:
    outcome = invariants.check_resume(lambda root, n_updates: {"weight": np.zeros(1)}, tmp_path)
    assert outcome.failures == (
        "training after the stop changed nothing, so the case proves nothing",
    )


# --- the command ----------------------------------------------------------------------------------


def test_the_audit_finds_this_program_sound(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "N_RATED", 10)
    monkeypatch.setattr(audit, "N_REPLAYS", 2)
    assert main(["bench", "audit", "--seed", "3", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    fits(found)
    assert found["ok"] and found["seed"] == 3 and len(found["invariants"]) == 9
    for entry in found["invariants"]:
        assert entry["ok"] and entry["cases"] > 0 and entry["seconds"] > 0 and not entry["failures"]


def test_a_failure_is_told_and_the_exit_code_is_1(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    outcomes = {"sound": Outcome(7), "broken": Outcome(9, tuple(f"case {i}" for i in range(5)))}
    monkeypatch.setattr(
        audit,
        "checks",
        lambda seed, folder: {
            name: lambda outcome=outcome: outcome for name, outcome in outcomes.items()
        },
    )
    assert main(["bench", "audit"]) == 1
    first, second, *rest = capsys.readouterr().out.splitlines()
    assert first.split()[:5] == ["audit", "ok", "sound", "7", "cases"]
    assert second.split()[:5] == ["audit", "failed", "broken", "9", "cases"]
    assert [line.strip() for line in rest] == ["case 0", "case 1", "case 2", "and 2 more"]


def test_other_seeds_make_other_cases() -> None:
    hashes = {result.final_state_sha256 for result in played(0)}
    other: list[MatchResult] = played(1)
    assert hashes.isdisjoint(result.final_state_sha256 for result in other)
