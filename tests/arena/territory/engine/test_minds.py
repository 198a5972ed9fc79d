"""The minds of edition 2026: what tribes and nations order, and what they keep to themselves."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from arena.errors import MatchError
from arena.territory.engine.engine import Engine
from arena.territory.engine.formulas import troop_cap
from arena.territory.engine.state import DIFFICULTY, MIND, NATION_MIND, RELATION_AT
from arena.territory.engine.tempers import Temper
from arena.territory.maps import TerritoryMap
from arena.territory.observation.observation import empty_facts, make_scratch, observe_facts
from arena.territory.observation.views import SMALL_VIEWS

ROOT = Path(__file__).resolve().parents[4]
A, B, C = 1, 2, 3
# decides when (tick + 101) % 50 is 11: in our ticks 10, 60, 110, ..
TEMPER = Temper(rate=50, phase=11, trigger=0.55, reserve=0.3, expand=0.1)
BEAT = 60


def board(
    *kinds: str, troops: tuple[int, ...], tick: int, rows: int = 12, neutral: int = 0
) -> Engine:
    """Strips of a plain, ten columns each, from the left; `neutral` columns follow."""
    width = 10 * len(kinds) + neutral
    plain = TerritoryMap.from_terrain("plain", np.full((rows, width), 128, np.uint8))
    engine = Engine(plain, len(kinds), seed=1, edition="2026")
    engine.never_end()
    owners = np.zeros((rows, width), np.int64)
    for p, kind in enumerate(kinds, start=1):
        engine.place(p, kind=kind)
        owners[:, 10 * (p - 1) : 10 * p] = p
    engine.paint(owners)
    engine.run(tick)
    engine.state.troops[1:] = troops
    return engine


def settled(engine: Engine, p: int = A) -> None:
    """Let p's mind have had its first beat."""
    engine.state.bot_clock[p, 2] = 1


def attacks_after_beat(engine: Engine) -> dict[tuple[int, int], float]:
    engine.run(1)
    return {(p, q): troops for p, q, troops in engine.attacks()}


# --- tribes ---------------------------------------------------------------------------------------


def test_a_tribe_first_sends_what_it_need_not_keep_onto_neutral_land() -> None:
    engine = board("bot", troops=(20_000,), tick=9, neutral=10)
    engine.give_mind(A, "tribe", temper=TEMPER)
    assert attacks_after_beat(engine) == {}  # tick 9 is not its beat
    before = int(engine.troops[0])
    sent = attacks_after_beat(engine)[A, 0]
    cap = troop_cap(120, 3.0, 1.0)
    # it decides after its growth, and keeps a tenth of its cap
    assert sent + 0.1 * cap > before
    assert int(engine.troops[0]) == math.ceil(0.1 * cap)


def test_a_tribe_waits_for_its_trigger_and_then_keeps_its_reserve() -> None:
    cap = troop_cap(120, 3.0, 1.0)
    for share, attacks in ((0.5, False), (0.6, True)):
        engine = board("bot", "bot", troops=(int(share * cap), 1_000), tick=BEAT)
        engine.give_mind(A, "tribe", temper=TEMPER)
        settled(engine)
        found = attacks_after_beat(engine)
        assert bool(found) == attacks
        if attacks:
            assert list(found) == [(A, B)]
            assert engine.troops[0] == math.ceil(0.3 * cap)


def test_a_tribe_leaves_humans_alone_in_half_of_the_cases() -> None:
    n = 0
    for seed in range(40):
        engine = board("bot", "human", troops=(50_000, 1_000), tick=BEAT)
        engine.give_mind(A, "tribe", temper=TEMPER)
        settled(engine)
        engine.state.streams[A] = seed
        n += bool(attacks_after_beat(engine))
    assert 10 <= n <= 30  # 20 +- 3.2 expected


def test_a_tribe_accepts_every_alliance_and_keeps_it() -> None:
    engine = board("bot", "human", troops=(50_000, 1_000), tick=BEAT - 1)
    engine.give_mind(A, "tribe", temper=TEMPER)
    settled(engine)
    engine.ask_alliance(B, A)
    engine.run(1)
    assert attacks_after_beat(engine) == {}
    assert engine.is_allied(A, B)


# --- nations --------------------------------------------------------------------------------------


def nation(difficulty: str, *others: str, troops: tuple[int, ...], neutral: int = 0) -> Engine:
    """A nation's mind for A on human terms, just before its beat; the cap is that of a human."""
    engine = board("human", *others, troops=troops, tick=BEAT, neutral=neutral)
    engine.give_mind(A, "nation", difficulty, temper=TEMPER)
    settled(engine)
    return engine


def test_a_nation_begins_with_half_its_troops_whatever_its_beat() -> None:
    engine = board("nation", troops=(25_001,), tick=0, neutral=10)
    engine.give_mind(A, "nation", temper=TEMPER)
    assert attacks_after_beat(engine) == {(A, 0): 12_500.5}
    assert attacks_after_beat(engine).keys() == {(A, 0)}


def test_a_nation_takes_neutral_land_before_anything_else() -> None:
    engine = nation("medium", "bot", troops=(100_000, 10), neutral=1)
    engine.conquer(0, 9, 0)  # a tile at A's edge
    cap = troop_cap(119, 1.0, 1.0)
    assert attacks_after_beat(engine) == {(A, 0): 100_000 - 0.1 * cap}


@pytest.mark.parametrize(("difficulty", "share"), [("hard", 0.75), ("impossible", 0.9)])
def test_hard_nations_stay_strong_beside_their_strongest_neighbour(
    difficulty: str, share: float
) -> None:
    """T - ceil(f S), which is less than T - reserve; the neighbour is weaker than A."""
    theirs = 60_001
    engine = nation(difficulty, "nation", troops=(100_000, theirs))
    found: dict[tuple[int, int], float] = {}
    for seed in range(20):  # one in ten beats goes to a boat, one in thirty to a request
        twin = engine.clone(None)
        twin.state.streams[A] = seed
        found = attacks_after_beat(twin)
        if found:
            break
    assert found == {(A, B): 100_000 - math.ceil(share * theirs)}


def test_easier_nations_keep_only_their_reserve() -> None:
    engine = nation("medium", "nation", troops=(100_000, 60_001))
    sent = [attacks_after_beat(_with_stream(engine, seed)) for seed in range(12)]
    cap = troop_cap(120, 1.0, 1.0)
    assert {found[A, B] for found in sent if found} == {100_000 - 0.3 * cap}


def _with_stream(engine: Engine, seed: int) -> Engine:
    twin = engine.clone(None)
    twin.state.streams[A] = seed
    return twin


def test_a_nation_sends_a_tribe_four_times_what_it_has() -> None:
    engine = nation("hard", "bot", troops=(100_000, 5_000))
    sent = [attacks_after_beat(_with_stream(engine, seed)) for seed in range(12)]
    # the tribe grows in the same tick, after the nation's mind has decided
    assert {found[A, B] for found in sent if found} == {20_000.0}


def test_no_nation_attacks_below_its_reserve() -> None:
    cap = troop_cap(120, 1.0, 1.0)
    engine = nation("medium", "nation", troops=(int(0.29 * cap), 10))
    assert not any(attacks_after_beat(_with_stream(engine, seed)) for seed in range(12))


def test_a_nation_strikes_back_at_whom_it_hates_first() -> None:
    """Medium: retaliation comes before the weakest enemy."""
    engine = nation("medium", "nation", "nation", troops=(100_000, 50_000, 50_000))
    for x, y in [(0, 11), (1, 11)]:
        engine.conquer(C, x, y)  # C touches A too
    engine.state.troops[3] = 40_000  # the weakest
    engine.order(B, A, 5_000.0)
    engine.run(50)
    engine.state.troops[1:] = (100_000, 50_000, 40_000)
    sent = [attacks_after_beat(_with_stream(engine, seed)) for seed in range(12)]
    assert all((A, C) not in found for found in sent)
    assert any((A, B) in found for found in sent)


def test_a_nation_answers_requests_by_what_it_thinks() -> None:
    """A relation below 0 is refused; 50 and more is accepted at once by easier nations."""
    accepted = {}
    for relation in (-40.0, 60.0):
        n = 0
        for seed in range(20):
            engine = nation("medium", "human", troops=(50_000, 50_000))
            engine.state.relations[A, B] = relation
            engine.state.pacts[A, B, RELATION_AT] = BEAT
            engine.state.streams[A] = seed
            engine.run(49)
            engine.ask_alliance(B, A)
            engine.run(2)
            n += engine.is_allied(A, B)
        accepted[relation] = n
    # one in twenty is confused and tosses a coin
    assert accepted[-40.0] <= 3
    assert accepted[60.0] >= 17


def test_who_is_across_a_river_is_near() -> None:
    terrain = np.full((12, 24), 128, np.uint8)
    terrain[:, 10:14] = 32  # four tiles of water
    terrain[:, [9, 14]] |= 64
    plain = TerritoryMap.from_terrain("river", terrain)
    engine = Engine(plain, 2, seed=1, edition="2026")
    engine.never_end()
    engine.place(A, kind="human")
    engine.place(B, kind="human")
    owners = np.zeros((12, 24), np.int64)
    owners[:, :10], owners[:, 14:] = A, B
    engine.paint(owners)
    engine.give_mind(A, "nation", temper=TEMPER)
    settled(engine)
    engine.run(11)  # its beat
    assert engine.state.mind_lists[0].tolist() == [0, 0, 2]


# --- all ------------------------------------------------------------------------------------------


def test_tempers_come_from_the_seed_in_the_ranges_of_the_kind() -> None:
    engine = board(*["nation"] * 5, troops=(1_000,) * 5, tick=0)
    engine.give_mind(1, "tribe")
    for p, difficulty in enumerate(("easy", "medium", "hard", "impossible"), start=2):
        engine.give_mind(p, "nation", difficulty)
    rates, ratios = engine.state.bot_clock[1:, 0], engine.state.bot_ratio[1:, :3]
    lows, highs = np.array([40, 65, 55, 45, 30]), np.array([80, 100, 70, 60, 50])
    assert ((rates >= lows) & (rates < highs)).all()
    assert ((ratios >= [0.5, 0.3, 0.1]) & (ratios < [0.6, 0.4, 0.2])).all()
    first = rates.tolist()
    engine.give_mind(1, "tribe")
    assert engine.state.bot_clock[1:, 0].tolist() == first
    assert engine.state.bot_clock[5, [MIND, DIFFICULTY]].tolist() == [NATION_MIND, 3]


def test_a_clone_to_think_on_draws_other_tempers_of_the_same_kinds() -> None:
    engine = board("nation", "bot", troops=(1_000, 1_000), tick=5)
    engine.give_mind(A, "nation", "impossible")
    engine.give_mind(B, "tribe")
    clones = [engine.clone(seed) for seed in (1, 2, 3)]
    tempers = {tuple(each.state.bot_clock[1:, :2].ravel()) for each in (engine, *clones)}
    assert len(tempers) == 4
    for clone in clones:
        assert 30 <= clone.state.bot_clock[A, 0] < 50
        assert clone.state.bot_clock[A, [MIND, DIFFICULTY]].tolist() == [NATION_MIND, 3]


def test_nothing_that_is_observed_tells_a_temper() -> None:
    engine = board("human", "nation", "bot", troops=(1_000,) * 3, tick=5)
    engine.give_mind(B, "nation", "hard", seed=1)
    engine.give_mind(C, "tribe", seed=1)
    other = engine.clone(None)
    other.give_mind(B, "nation", "hard", seed=2)
    other.give_mind(C, "tribe", seed=2)
    assert (engine.state.bot_clock != other.state.bot_clock).any()
    seen = []
    for each in (engine, other):
        facts = empty_facts(3)
        observe_facts(each.state, make_scratch(each.state, SMALL_VIEWS), np.arange(3), 100, facts)
        seen.append([np.array(values) for values in facts])
    assert all(np.array_equal(a, b) for a, b in zip(*seen, strict=True))


def test_players_that_nobody_plays_are_named() -> None:
    engine = board("human", "nation", "bot", troops=(1_000,) * 3, tick=0)
    assert engine.without_mind() == [B, C]
    engine.give_mind(B, "nation")
    assert engine.without_mind() == [C]


def test_2025_has_no_nations_minds() -> None:
    plain = TerritoryMap.from_terrain("plain", np.full((8, 8), 128, np.uint8))
    engine = Engine(plain, 2, seed=1)
    with pytest.raises(MatchError, match="nations have minds in edition 2026 alone"):
        engine.give_mind(1, "nation")
    with pytest.raises(MatchError, match="expected a mind of tribe, nation, found 'human'"):
        engine.give_mind(1, "human")


def match_of_minds() -> str:
    """Play 260 ticks of four nations and two tribes, and return the hash of the end."""
    terrain = np.full((24, 24), 128, np.uint8)
    terrain[10:14, 4:18] = 32
    terrain[[9, 14], 4:18] |= 64
    engine = Engine(TerritoryMap.from_terrain("lake", terrain), 6, seed=3, edition="2026")
    engine.never_end()
    places = ((3, 3), (12, 3), (20, 3), (3, 20), (12, 20), (20, 20))
    for p, at in enumerate(places, start=1):
        is_tribe = p > 4
        difficulty = ["easy", "medium", "hard", "impossible"][(p - 1) % 4]
        engine.place(p, kind="bot" if is_tribe else "nation", difficulty=difficulty, spawn=at)
        engine.give_mind(p, "tribe" if is_tribe else "nation", difficulty)
    engine.run(260)
    return engine.state_sha256()


def test_the_interpreter_plays_the_same_match_as_the_machine_code() -> None:
    program = (
        "from tests.arena.territory.engine.test_minds import match_of_minds;print(match_of_minds())"
    )
    found = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=os.environ | {"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.strip() == match_of_minds()
