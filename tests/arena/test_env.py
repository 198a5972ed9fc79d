"""TerritoryEnv and SoloEnv keep the contracts of PettingZoo, Gymnasium and Stable-Baselines3."""

from __future__ import annotations

import pickle
import subprocess
import sys
import warnings
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from numpy.typing import NDArray
from pettingzoo.test import parallel_api_test, parallel_seed_test
from stable_baselines3.common.env_checker import check_env as check_env_sb3

from agents.registry import make_loader
from arena.env import SoloEnv, TerritoryEnv
from arena.errors import MatchError
from arena.lockstep import LiveMatch, Lockstep, as_dict
from arena.match import MatchResult, MatchSpec, play_matches, unpack_actions
from arena.reward import placement_reward
from arena.territory.engine.rules import MAX_SEATS, MatchRules
from arena.territory.maps import load_map
from arena.territory.observation.observation import empty_views
from arena.territory.observation.views import SMALL_VIEWS, Views

MAP = "generated:lakes:64x64:3"
RULES = MatchRules(max_ticks=400)
LAKES = load_map(MAP)

Seen = dict[str, dict[str, NDArray[Any]]]


def _masked_actions(seen: Seen, generator: np.random.Generator) -> dict[str, int]:
    return {
        agent: int(generator.choice(np.flatnonzero(each["action_mask"])))
        for agent, each in seen.items()
    }


def _assert_same(first: Seen, second: Seen) -> None:
    assert first.keys() == second.keys()
    for agent in first:
        for key, values in first[agent].items():
            np.testing.assert_array_equal(values, second[agent][key], err_msg=f"{agent} {key}")


def test_the_parallel_env_passes_pettingzoo_s_own_tests_without_a_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        parallel_api_test(TerritoryEnv(LAKES, RULES), 60)
        parallel_seed_test(lambda: TerritoryEnv(LAKES, RULES))


# One row per direction is neither an image nor a vector; MultiInputPolicy flattens it.
@pytest.mark.filterwarnings("ignore:Your observation neighbours has an unconventional shape")
def test_the_solo_env_passes_gymnasium_s_and_stable_baselines_checks() -> None:
    env = gymnasium.make("Territory-v0", map=LAKES, rules=RULES)
    check_env(env.unwrapped)
    check_env_sb3(SoloEnv(LAKES, RULES))


@pytest.mark.parametrize("first", ["arena", "gymnasium"])
def test_the_solo_env_is_registered_whichever_is_imported_first(first: str) -> None:
    second = {"arena": "gymnasium", "gymnasium": "arena"}[first]
    program = f"import {first}, {second}, sys; gymnasium.spec('Territory-v0'); "
    program += "assert not {'numba', 'torch', 'pettingzoo'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_importing_the_arena_alone_imports_nothing_heavy() -> None:
    program = "import arena, sys; assert not {'numpy', 'gymnasium', 'numba'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_same_seed_gives_the_same_observations_through_the_whole_episode() -> None:
    one, two = TerritoryEnv(LAKES, RULES), TerritoryEnv(MAP, RULES)
    two.reset(seed=99)  # what was played before does not matter
    two.step({})
    generator = np.random.default_rng(0)
    (seen, _), (seen_too, _) = one.reset(seed=5), two.reset(seed=5)
    n_steps = 0
    while one.agents:
        _assert_same(seen, seen_too)
        actions = _masked_actions({agent: seen[agent] for agent in one.agents}, generator)
        seen, *rest = one.step(actions)
        seen_too, *rest_too = two.step(actions)
        for mine, theirs in zip(rest[:3], rest_too[:3], strict=True):
            assert mine == theirs
        n_steps += 1
    assert n_steps >= 10 and not two.agents
    assert one.engine.state_sha256() == two.engine.state_sha256()


def test_without_a_seed_matches_follow_from_the_seed_before() -> None:
    envs = TerritoryEnv(LAKES, RULES), TerritoryEnv(LAKES, RULES)
    seeds = []
    for env in envs:
        env.reset(seed=1)
        env.reset()
        seeds.append(env.engine.seed)
    assert seeds[0] == seeds[1] != 1
    first, second = (SoloEnv(LAKES, RULES) for _ in range(2))
    first.reset()
    second.reset()
    assert first.engine.seed != second.engine.seed


def test_other_seeds_and_rotations_are_other_matches() -> None:
    env = TerritoryEnv(LAKES, RULES)
    owners = []
    for seed, rotation in ((1, 0), (2, 0), (1, 1)):
        env.reset(seed=seed, options={"rotation": rotation})
        owners.append(env.engine.owner.copy())
        seats = env.engine.seat_of.copy()
    assert (owners[0] != owners[1]).any()
    # A rotation moves the labels, not the board: seats[i] of rotation 1 was at i - 1.
    assert (owners[0] == owners[2]).all()
    env.reset(seed=1)
    assert (np.roll(env.engine.seat_of, 1) == seats).all()


def _played(n: int) -> list[MatchResult]:
    agents = ("scripted:tribe", "scripted:opportunist", "scripted:expander", "scripted:random")
    seated = tuple(agents[seat % 4] for seat in range(10))
    specs = [MatchSpec(seed, MAP, seated, RULES) for seed in range(n)]
    results = play_matches(specs, make_loader(), load_map)
    assert all(isinstance(result, MatchResult) for result in results)
    return [result for result in results if isinstance(result, MatchResult)]


def test_a_match_ends_the_same_alone_in_a_batch_and_in_the_env() -> None:
    batch, alone = _played(3), _played(1)[0]
    assert alone.final_state_sha256 == batch[0].final_state_sha256
    for result in batch:
        env = TerritoryEnv(LAKES, RULES)
        env.reset(seed=result.spec.seed)
        actions = list(unpack_actions(result.actions))
        placements: dict[str, int] = {}
        while env.agents:
            living = list(env.agents)
            _, _, _, _, infos = env.step({agent: int(actions.pop(0)) for agent in living})
            placements |= {a: i["placement"] for a, i in infos.items() if "placement" in i}
        assert not actions
        assert env.engine.state_sha256() == result.final_state_sha256
        assert tuple(placements[f"seat_{seat}"] for seat in range(10)) == result.placements


def test_the_lockstep_core_shows_what_single_envs_show() -> None:
    n, n_seats = 3, RULES.n_seats
    core = Lockstep(n, SMALL_VIEWS)
    envs, seen = [], []
    for slot in range(n):
        agents = [None] * n_seats
        core.begin(slot, LiveMatch(LAKES, RULES, SMALL_VIEWS, slot, 0, agents))
        env = TerritoryEnv(LAKES, RULES, with_frames=False)
        seen.append(env.reset(seed=slot)[0])
        envs.append(env)
    generator = np.random.default_rng(1)
    views = empty_views(n * n_seats, SMALL_VIEWS)
    for _ in range(15):
        core.refresh()
        rows = np.flatnonzero(core.alive)
        core.observe(rows, views)
        images = as_dict(views)
        actions = np.zeros(n * MAX_SEATS, np.int64)
        for at, row in enumerate(rows):
            slot, seat = divmod(int(row), MAX_SEATS)
            mine = seen[slot][f"seat_{seat}"]
            for key, values in images.items():
                np.testing.assert_array_equal(values[at], mine[key], err_msg=key)
            np.testing.assert_array_equal(core.facts.mask[row], mine["action_mask"])
            actions[row] = generator.choice(np.flatnonzero(mine["action_mask"]))
        core.advance(actions)
        for slot, env in enumerate(envs):
            first = slot * MAX_SEATS
            seen[slot] = env.step({a: int(actions[first + int(a[5:])]) for a in env.agents})[0]


def test_a_small_view_stands_in_a_frame_of_zeros_that_stock_networks_can_take() -> None:
    shown, _ = TerritoryEnv(LAKES, RULES).reset(seed=1)
    plain, _ = TerritoryEnv(LAKES, RULES, with_frames=False).reset(seed=1)
    space = TerritoryEnv(LAKES, RULES).observation_space("seat_0")
    for key, margin in (("global", 2), ("local", 2), ("tactical", 10)):
        view, framed = plain["seat_0"][key], shown["seat_0"][key]
        assert framed.shape == space[key].shape == (12, 36, 36)  # 32 + 2 * 2, 16 + 2 * 10
        assert space[key].margin == margin
        np.testing.assert_array_equal(framed[:, margin:-margin, margin:-margin], view)
        assert framed.sum() == view.sum() > 0
    large = SoloEnv(LAKES, RULES, views=Views(48, 64, 128)).observation_space
    assert [large[key].shape[1] for key in ("global", "local", "tactical")] == [48, 64, 128]


def test_a_framed_space_survives_pickling_and_is_a_box_to_vector_environments() -> None:
    space = SoloEnv(LAKES, RULES).observation_space
    again = pickle.loads(pickle.dumps(space))
    assert again == space and again["tactical"].margin == 10
    batch = gymnasium.vector.utils.batch_space(space, 3)
    assert batch["tactical"].shape == (3, 12, 36, 36)


def test_rewards_are_zero_until_the_end_and_then_the_placement() -> None:
    env = TerritoryEnv(LAKES, MatchRules(max_ticks=300))
    seen, _ = env.reset(seed=2)
    generator = np.random.default_rng(2)
    totals = dict.fromkeys(env.possible_agents, 0.0)
    while env.agents:
        before = list(env.agents)
        seen, rewards, terminations, truncations, infos = env.step(
            _masked_actions({agent: seen[agent] for agent in env.agents}, generator)
        )
        assert set(rewards) == set(before) and not any(truncations.values())
        for agent in before:
            totals[agent] += rewards[agent]
            assert terminations[agent] == ("placement" in infos[agent])
            if not terminations[agent]:
                assert rewards[agent] == 0.0
    placements = env.engine.placements()
    for seat, agent in enumerate(env.possible_agents):
        assert totals[agent] == placement_reward(placements[seat], 10)
    # 1st of ten: 1 - 2 * 0 / 9 = 1; 10th: 1 - 2 * 9 / 9 = -1; 4th: 1 - 2 * 3 / 9 = 1 / 3.
    assert [placement_reward(p, 10) for p in (1, 10)] == [1.0, -1.0]
    assert placement_reward(4, 10) == pytest.approx(1 / 3)


def test_a_learner_gets_the_same_placement_reward_as_the_environments_bit_for_bit() -> None:
    for n_seats in (2, 7, 10, 64):
        places = np.arange(1, n_seats + 1)
        assert placement_reward(places, n_seats).tolist() == [
            placement_reward(int(place), n_seats) for place in places
        ]


def test_the_time_limit_terminates_and_never_truncates() -> None:
    env = TerritoryEnv(LAKES, MatchRules(max_ticks=25))  # decisions at 0, 10, 20; the last is cut
    env.reset(seed=0)
    for n_left in (2, 1, 0):
        _, _, terminations, truncations, _ = env.step({})
        assert all(terminations.values()) == (n_left == 0) and not any(truncations.values())
    assert env.engine.tick == 25 and env.agents == []
    with pytest.raises(MatchError, match="call reset"):
        env.step({})


def test_a_dead_seat_leaves_with_zeros_and_five_waits() -> None:
    env = TerritoryEnv(LAKES, MatchRules(max_ticks=1500))
    seen, _ = env.reset(seed=4)
    generator = np.random.default_rng(4)
    while len(env.agents) == 10:
        seen, _, terminations, _, _ = env.step(_masked_actions(seen, generator))
    assert env.agents, "the first death must not be the end of the match"
    for agent in (agent for agent, ended in terminations.items() if ended):
        assert not any(seen[agent][key].any() for key in ("global", "local", "tactical", "scalars"))
        assert seen[agent]["action_mask"].tolist() == [0] * 40 + [1] * 5
    assert set(seen) - set(env.agents) == {a for a, ended in terminations.items() if ended}


def test_illegal_and_impossible_actions_wait_and_are_counted() -> None:
    env = TerritoryEnv(LAKES, RULES)
    env.reset(seed=0)
    env.step({"seat_0": -1, "seat_1": 45, "seat_2": 10**6, "seat_3": 40})
    assert env.engine.by_seat(env.engine.illegal) == [1, 1, 1] + [0] * 7
    assert not env.engine.attacks()


def test_the_solo_env_plays_against_the_engine_s_bots() -> None:
    env = SoloEnv(LAKES, RULES)
    seen, info = env.reset(seed=3)
    engine = env.engine
    own = int(engine.spawn_of[0]) + 1
    kinds = engine.state.kind[1:].tolist()
    assert kinds.count(1) == 9 and engine.state.kind[own] == 0  # nine bots and a human
    assert set(engine.troops) == {25_000, 10_000}
    np.testing.assert_array_equal(seen["action_mask"], info["action_mask"])
    start = engine.tiles.copy()
    ended, total = False, 0.0
    while not ended:
        np.testing.assert_array_equal(env.action_masks(), seen["action_mask"].astype(bool))
        seen, reward, ended, truncated, info = env.step(40)
        total += reward
        assert not truncated
    assert (np.delete(engine.tiles - start, own - 1) > 0).sum() >= 5  # bots expand, we waited
    assert total == placement_reward(info["placement"], 10)
    with pytest.raises(MatchError, match="call reset"):
        env.step(40)


def test_the_solo_env_reproduces_whole_episodes_against_given_agents() -> None:
    def episode(env: SoloEnv) -> tuple[str, list[bytes]]:
        seen, _ = env.reset(seed=8)
        generator, ended, hashes = np.random.default_rng(8), False, []
        while not ended:
            action = int(generator.choice(np.flatnonzero(env.action_masks())))
            seen, _, ended, _, _ = env.step(action)
            hashes.append(b"".join(value.tobytes() for value in seen.values()))
        return env.engine.state_sha256(), hashes

    load = make_loader()
    named = SoloEnv(LAKES, RULES, opponents="scripted:tribe", load_agent=load, seat=4)
    first = episode(named)
    assert episode(named) == first
    given = SoloEnv(LAKES, RULES, opponents=[load("scripted:tribe")] * 9, seat=4)
    assert episode(given) == first
    assert episode(SoloEnv(LAKES, RULES, seat=4)) != first


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"opponents": "scripted:tribe"}, "needs load_agent"),
        ({"opponents": ["scripted:tribe"] * 3, "load_agent": make_loader()}, "or 9 of them"),
        ({"seat": 10}, "expected 0 to 9 in a match of 10"),
        ({"render_mode": "human"}, "rgb_array, ansi"),
    ],
)
def test_wrong_arguments_are_a_sentence(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(MatchError, match=words):
        SoloEnv(LAKES, RULES, **arguments)


def test_a_step_before_reset_is_a_sentence() -> None:
    with pytest.raises(MatchError, match="call reset"):
        TerritoryEnv(LAKES, RULES).step({})


def test_both_envs_draw_the_board() -> None:
    env = TerritoryEnv(LAKES, RULES, render_mode="rgb_array")
    env.reset(seed=0)
    picture = env.render()
    assert isinstance(picture, np.ndarray)
    assert picture.shape == (512, 512, 3) and picture.dtype == np.uint8  # 64 tiles of 8 pixels
    own = env.engine.owner == env.engine.spawn_of[0] + 1
    colour = picture[::8, ::8][own].astype(int)
    water = picture[::8, ::8][env.engine.owner == 255].astype(int)
    assert np.ptp(colour, axis=0).max() < np.abs(colour.mean(0) - water.mean(0)).max()
    solo = SoloEnv(LAKES, RULES, render_mode="ansi")
    solo.reset(seed=0)
    text = solo.render()
    assert isinstance(text, str) and "seat_9" in text and "\x1b[" in text
