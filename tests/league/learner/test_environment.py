"""The learner's environment: rewards that cannot be farmed, dead seats, exact resume."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from agents.errors import SnapshotMissingError
from agents.registry import make_loader
from agents.relations import relation_mask
from arena import lockstep
from arena.agent import Agent, LoadAgent
from arena.env import SoloEnv
from arena.territory.engine.rules import MatchRules
from arena.territory.observation.views import Views
from league.learner.environment import LeagueVecEnv
from league.learner.rewards import RewardWeights, final_reward, potential, with_team_share
from league.learner.settings import EnvSettings
from league.matches.worker import cached_maps

GAMMA = 0.99
SCRIPTED = [f"scripted:{name}" for name in ("tribe", "random", "expander")]


def make_env(
    seed: int = 0,
    *,
    max_ticks: int = 300,
    weights: RewardWeights | None = None,
    n_matches: int = 2,
    seats: int = 4,
    load_agent: LoadAgent | None = None,
    reads: tuple[str, ...] | None = None,
    reset_share: float = 0.0,
) -> LeagueVecEnv:
    settings = EnvSettings(
        MatchRules(max_ticks=max_ticks),
        Views(16, 16, 16),
        ("generated:continents:64x64:1", "generated:continents:64x64:2"),
        n_matches,
        seats,
        GAMMA,
        weights or RewardWeights(),
        reads=reads,
        reset_share=reset_share,
    )
    load = load_agent or make_loader()
    return LeagueVecEnv(settings, load, cached_maps(None), draw_scripted, None, seed)


def draw_scripted(n: int, rng: np.random.Generator) -> list[str]:
    return [SCRIPTED[int(rng.integers(len(SCRIPTED)))] for _ in range(n)]


def act(env: LeagueVecEnv, rng: np.random.Generator) -> Any:
    masks = env.action_masks()
    noise = rng.random(masks.shape) * masks
    return env.step(noise.argmax(axis=1))


def test_a_learner_trains_in_the_space_of_the_environments_without_mask_and_frames() -> None:
    env = make_env()
    solo = SoloEnv(
        "generated:continents:64x64:1", views=Views(16, 16, 16), with_frames=False
    ).observation_space
    spaces = {key: space for key, space in solo.spaces.items() if key != "action_mask"}
    assert env.observation_space.spaces == spaces
    assert spaces.keys() == env.reset().keys()


def test_discounted_shaping_sums_to_minus_the_first_potential() -> None:
    weights = RewardWeights(land=2.0, strength=1.0, placement=0.0, death=0.0)
    env = make_env(weights=weights)
    env.reset()
    start = env._potential.copy()
    total = np.zeros(env.num_envs)
    steps = np.zeros(env.num_envs)
    finished = np.zeros(env.num_envs, bool)
    rng = np.random.default_rng(0)
    while not finished.all():
        acting = env.active.copy() & ~finished
        _, rewards, dones, _ = act(env, rng)
        total += np.where(acting, GAMMA**steps * rewards, 0.0)
        steps += acting
        finished |= dones
    assert np.allclose(total, -start, atol=1e-5)


def test_the_last_reward_is_the_placement_in_minus_one_to_one() -> None:
    env = make_env(weights=RewardWeights(0.0, 0.0, 1.0, 0.0))
    env.reset()
    rng = np.random.default_rng(1)
    seen = 0
    for _ in range(80):
        _, rewards, dones, infos = act(env, rng)
        assert (rewards[~dones] == 0).all()
        for i in np.flatnonzero(dones):
            assert rewards[i] == pytest.approx(1 - 2 * (infos[i]["placement"] - 1) / 9)
            seen += 1
    assert seen >= env.num_envs


def test_a_dead_seat_is_idle_until_its_match_ends() -> None:
    env = make_env(max_ticks=600)
    env.reset()
    rng = np.random.default_rng(2)
    idle_steps = 0
    for _ in range(150):
        before = env.active.copy()
        _, rewards, dones, _ = act(env, rng)
        assert (rewards[~before] == 0).all()
        assert not dones[~before].any()
        idle_steps += int((~env.active).sum())
        assert env.active.reshape(2, 4).any(axis=1).all(), "a match without learners is replaced"
    assert idle_steps > 0


def test_a_restored_environment_goes_on_like_the_original() -> None:
    env = make_env(3, max_ticks=600)
    env.reset()
    rng = np.random.default_rng(3)
    for _ in range(25):
        act(env, rng)
    state = json.loads(json.dumps(env.state()))
    other = make_env(99, max_ticks=600)
    other.set_state(state)
    ours, theirs = np.random.default_rng(4), np.random.default_rng(4)
    for _ in range(90):
        a, b = act(env, ours), act(other, theirs)
        assert (a[1] == b[1]).all() and (a[2] == b[2]).all()
        assert all((a[0][key][env.active] == b[0][key][env.active]).all() for key in a[0])
    assert env.state() == other.state()


def test_results_count_every_opponent_seat_once_per_match() -> None:
    env = make_env(5)
    env.reset()
    rng = np.random.default_rng(5)
    for _ in range(70):
        act(env, rng)
    results = env.take_results()
    games = sum(n for n, _ in results.values())
    assert games > 0 and games % 6 == 0  # six opponent seats per match
    assert all(0 <= beats <= n for n, beats in results.values())
    assert env.take_results() == {}
    # One score per match and opponent, however many of its seats the opponent holds.
    scores = env.take_scores()
    assert scores.keys() == results.keys()
    assert max(len(found) for found in scores.values()) <= games / 6
    one = {name: n for name, (n, _) in results.items()}
    assert all(len(found) <= one[name] for name, found in scores.items())
    assert all(0.0 <= score <= 1.0 for found in scores.values() for score in found)
    assert env.take_scores() == {}


def test_even_shares_have_no_potential_and_a_straight_leader_is_not_paid_twice() -> None:
    weights = RewardWeights(land=1.2, strength=1.4)
    shares = np.array([0.0, 0.1, 1.0])
    # g(x) = x / (x + 1/10) - 1/2: -1/2, 0, 10/11 - 1/2; both terms together weigh 2.6.
    expected = 2.6 * np.array([-0.5, 0.0, 10 / 11 - 0.5])
    assert np.allclose(potential(weights, shares, shares, 10), expected)


def test_the_first_place_alone_is_paid_in_addition() -> None:
    places, nobody = np.array([1, 2, 10]), np.zeros(3, np.bool_)
    plain = final_reward(RewardWeights(), np.zeros(3), places, 10, nobody)
    bold = final_reward(RewardWeights(first=0.5), np.zeros(3), places, 10, nobody)
    assert np.allclose(bold - plain, [0.5, 0.0, 0.0])


def test_teammates_share_their_rewards_by_the_weight() -> None:
    rewards = np.array([1.0, 0.0, 0.0, -0.5])
    # The mean is 1/8: halves of one's own and of it.
    mixed = with_team_share(RewardWeights(team_share=0.5), rewards)
    assert np.allclose(mixed, [0.5 + 1 / 16, 1 / 16, 1 / 16, -0.25 + 1 / 16])
    assert np.array_equal(with_team_share(RewardWeights(team_share=0.0), rewards), rewards)
    assert np.allclose(with_team_share(RewardWeights(team_share=1.0), rewards), 1 / 8)


def test_a_seat_that_acts_shares_the_reward_of_its_team_and_an_idle_one_does_not() -> None:
    alone = make_env(7, max_ticks=600, weights=RewardWeights(team_share=0.0))
    together = make_env(7, max_ticks=600, weights=RewardWeights(team_share=0.5))
    alone.reset(), together.reset()
    ours, theirs = np.random.default_rng(8), np.random.default_rng(8)
    n_idle = 0
    for _ in range(100):
        active = alone.active.copy().reshape(2, 4)
        n_idle += int((~active).sum())
        own = act(alone, ours)[1].reshape(2, 4)
        mixed = act(together, theirs)[1].reshape(2, 4)
        expected = np.where(active, 0.5 * own + 0.5 * own.mean(axis=1, keepdims=True), 0.0)
        assert np.allclose(mixed, expected, atol=1e-6)
    assert n_idle > 0


def test_a_match_with_an_opponent_that_was_pruned_begins_anew_and_the_others_go_on() -> None:
    env = make_env(7, max_ticks=600)
    env.reset()
    rng = np.random.default_rng(3)
    for _ in range(5):
        act(env, rng)
    state = json.loads(json.dumps(env.state()))
    gone = f"snapshot:{'a' * 64}"
    agents = state["matches"][1]["spec"]["agents"]
    agents[next(i for i, name in enumerate(agents) if name in SCRIPTED)] = gone

    def load(spec: str) -> Agent:
        if spec == gone:
            raise SnapshotMissingError(f"there is no snapshot {gone}")
        return make_loader()(spec)

    other = make_env(99, max_ticks=600, load_agent=load)
    other.set_state(state)
    first, second = (env.lockstep.matches[slot] for slot in (0, 1))
    played_on, begun = (other.lockstep.matches[slot] for slot in (0, 1))
    assert first and second and played_on and begun
    assert (played_on.n_decisions, begun.n_decisions) == (first.n_decisions, 0) == (5, 0)
    assert other.active[4:].all() and (other.state()["episode_reward"][4:] == [0.0] * 4)
    assert gone not in json.dumps(other.state())
    for _ in range(30):
        act(other, rng)


def test_with_the_relation_mask_a_learner_is_offered_what_its_snapshots_will_play() -> None:
    env = make_env()
    env.reset()
    rng = np.random.default_rng(3)
    for _ in range(8):
        act(env, rng)
    free = env.action_masks()
    env.relation_mask = True
    masked = env.action_masks()
    batch = env.lockstep.batch(env.rows[env.active])
    assert (masked[env.active] == relation_mask(batch.action_mask, batch.directions)).all()
    assert masked.sum() < free.sum() and not (masked & ~free).any()


def test_a_learner_that_reads_no_views_is_shown_the_rest_and_the_views_are_not_computed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keys = ("scalars", "neighbours")
    whole, lean = make_env(3), make_env(3, reads=keys)
    assert set(lean.observation_space.spaces) == set(keys)

    def never(*arguments: object) -> None:
        raise AssertionError("the views were computed")

    seen, less = whole.reset(), lean.reset()
    for decision in range(6):
        if decision:
            seen = act(whole, np.random.default_rng(decision))[0]
            with monkeypatch.context() as patch:
                patch.setattr(lockstep.obs, "observe", never)
                less = act(lean, np.random.default_rng(decision))[0]
        assert less.keys() == set(keys)
        for key in keys:
            assert (less[key][lean.active] == seen[key][whole.active]).all()
