"""The planner: its spec, its honesty, what it believes, and that it plays better than a script."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest
from numpy.random import default_rng

from agents.beliefs import NAMES, Beliefs
from agents.boards import Boards
from agents.budget import Budget
from agents.errors import AgentError
from agents.orders import WAIT
from agents.planner import Planner, _Game, candidates, value_of
from agents.registry import make_loader, parse_spec, present_spec
from agents.scripted import Expander, Turtle
from arena.agent import IntArray, SeatBatch
from arena.errors import MatchError
from arena.lockstep import LiveMatch, Lockstep
from arena.match import MatchResult, MatchSpec, play_matches
from arena.territory.engine.engine import Engine
from arena.territory.engine.rules import MAX_SEATS, MatchRules
from arena.territory.maps import load_map
from arena.territory.observation.views import SMALL_VIEWS

MAP = "generated:continents:64x64:1"
LOAD_MAP = lru_cache(4)(load_map)
QUICK = "planner:decisions=3,copies=2,candidates=4"
RULES = MatchRules(max_ticks=300, ticks_per_decision=25, n_seats=4)


def play(specs: list[MatchSpec]) -> list[MatchResult]:
    found = play_matches(specs, make_loader(), LOAD_MAP)
    for outcome in found:
        assert isinstance(outcome, MatchResult), outcome
    return [outcome for outcome in found if isinstance(outcome, MatchResult)]


def running(agents: list[object], seed: int = 3) -> Lockstep:
    lockstep = Lockstep(1, SMALL_VIEWS)
    match = LiveMatch(LOAD_MAP(MAP), RULES, SMALL_VIEWS, seed, 0, agents)  # type: ignore[arg-type]
    lockstep.begin(0, match)
    return lockstep


def decide(lockstep: Lockstep) -> IntArray:
    lockstep.refresh()
    actions = np.zeros(MAX_SEATS, np.int64)
    lockstep.ask_agents(actions)
    lockstep.advance(actions)
    return actions


# --- its spec -------------------------------------------------------------------------------------


def test_a_spec_is_read_and_written_with_the_defaults_left_out() -> None:
    assert parse_spec("planner:") == ("planner", "")
    assert parse_spec("planner:copies=2,decisions=10") == ("planner", "copies=2")
    assert present_spec("planner:decisions=10,copies=6,candidates=10") == "planner:"
    assert Budget.parse("candidates=4,decisions=3") == Budget(3, 6, 4)
    agent = make_loader()("planner:copies=2")
    assert isinstance(agent, Planner) and agent.budget == Budget(copies=2)


@pytest.mark.parametrize(
    "text", ["planner:seconds=1", "planner:copies=0", "planner:copies=61", "planner:copies=x"]
)
def test_a_budget_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(AgentError, match="expected"):
        parse_spec(text)


def test_the_same_key_twice_is_refused() -> None:
    with pytest.raises(AgentError, match="found 'copies=3'"):
        Budget.parse("copies=2,copies=3")


# --- its honesty ----------------------------------------------------------------------------------


class Curious:
    """Does to its board whatever it can, and waits."""

    uses_rng = False

    def __init__(self) -> None:
        self.boards: list[tuple[Engine, int]] = []

    def reset(self, rows: IntArray) -> None:
        pass

    def act(self, batch: SeatBatch, rng: np.random.Generator) -> IntArray:
        for i in range(len(batch)):
            board, me = batch.board(i, 7)
            self.boards.append((board, me))
            board.act(np.zeros(board.n_players, np.int64))
            board.run(40)
            board.state.troops[:] = 0
        return np.full(len(batch), WAIT, np.int64)


def test_what_is_done_to_a_board_changes_nothing_of_the_match() -> None:
    def hashes(agent: object) -> list[str]:
        lockstep = running([agent, Expander(), Turtle(), Expander()])
        match = lockstep.matches[0]
        assert match is not None
        found = []
        for _ in range(6):
            decide(lockstep)
            found.append(match.engine.state_sha256())
        return found

    class Waiting(Curious):
        def act(self, batch: SeatBatch, rng: np.random.Generator) -> IntArray:
            return np.full(len(batch), WAIT, np.int64)

    assert hashes(Curious()) == hashes(Waiting())


def test_a_board_is_a_clone_that_tells_neither_seed_nor_seats_nor_streams() -> None:
    agent = Curious()
    lockstep = running([Expander(), agent, Turtle(), Expander()])
    match = lockstep.matches[0]
    assert match is not None
    streams = match.engine.state.streams.copy()
    lockstep.refresh()
    lockstep.ask_agents(np.zeros(MAX_SEATS, np.int64))
    board, me = agent.boards[0]

    assert board is not match.engine and board.seed == 7
    assert me == match.engine.spawn_of[1] + 1
    assert board.seat_of.tolist() == [0, 1, 2, 3]
    assert not set(board.state.streams[1:].tolist()) & set(streams[1:].tolist())


def test_a_batch_made_by_hand_has_no_board() -> None:
    one = np.zeros(1, np.int64)
    mask, own = np.ones((1, 45), np.bool_), np.zeros((1, 6), np.int64)
    directions = np.zeros((1, 8, 7), np.int64)
    batch = SeatBatch(one, mask, own, directions, one, one, one, dict)
    with pytest.raises(MatchError, match="found one without a board"):
        batch.board(0, 1)


def test_a_match_of_planners_comes_again_alone_and_batched() -> None:
    agents = (QUICK, "scripted:tribe", QUICK, "scripted:expander")
    specs = [MatchSpec(seed, MAP, agents, RULES) for seed in range(2)]
    together = [(r.final_state_sha256, r.n_illegal) for r in play(specs)]
    alone = [(play([spec])[0].final_state_sha256, (0, 0, 0, 0)) for spec in specs]
    assert together == alone
    assert together[0] != together[1]


# --- what it believes -----------------------------------------------------------------------------


def test_beliefs_find_the_script_of_a_neighbour() -> None:
    lockstep = running([Curious(), Expander(), Turtle(), Turtle()])
    match = lockstep.matches[0]
    assert match is not None
    beliefs, boards, rng = Beliefs(4), Boards(), default_rng(0)
    uniform = beliefs.shares()
    assert np.allclose(uniform, 1 / len(NAMES))
    me, expander, turtle = (int(match.engine.spawn_of[seat]) + 1 for seat in range(3))
    for seed in range(6):
        before = match.engine.clone(seed)
        actions = decide(lockstep)
        beliefs.see(before, match.engine.clone(seed), me, int(actions[0]), boards, rng)
    shares = beliefs.shares()
    assert NAMES[int(shares[turtle].argmax())] == "turtle" and shares[turtle].max() > 0.9
    # to here an expander, an opportunist and a strategist only took neutral land
    alike = [NAMES.index(name) for name in ("expander", "opportunist", "strategist")]
    assert shares[expander, alike].sum() > 0.9


def test_scripts_are_drawn_by_their_probability() -> None:
    beliefs = Beliefs(2)
    beliefs.evidence[1, 2] = 50.0
    drawn = np.array([beliefs.draw(default_rng(seed)) for seed in range(300)])
    assert (drawn[:, 0] == 2).all()
    counts = np.bincount(drawn[:, 1], minlength=len(NAMES))
    assert counts.min() > 25  # 50 each, standard deviation 6.5


# --- its orders -----------------------------------------------------------------------------------


def test_it_tries_the_strategists_order_waiting_and_each_target() -> None:
    mask = np.zeros((1, 45), np.bool_)
    mask[0, :15] = mask[0, WAIT:] = True
    directions = np.zeros((1, 8, 7), np.int64)
    directions[0, :, 0] = -1
    directions[0, 0, :4] = (5, 10, 100, 900)
    directions[0, 1, :4] = (0, 10, 0, 0)
    directions[0, 2, :4] = (5, 20, 100, 900)  # the same player, along a longer border
    own, one = np.zeros((1, 6), np.int64), np.zeros(1, np.int64)
    batch = SeatBatch(one, mask, own, directions, one, one, one, dict)

    found = candidates(batch, 0, 8, Planner(Budget(candidates=6)))

    # the usual order (NE 60 %), WAIT, 30 % into neutral land and on player 5, then 60 and 15 %
    assert found == [8, WAIT, 6, 11, 13, 5]
    assert candidates(batch, 0, WAIT, Planner(Budget(candidates=1))) == [WAIT]


def test_a_board_is_worth_more_with_more_land_and_its_place_at_the_end() -> None:
    engine = Engine.new_match(LOAD_MAP(MAP), RULES, 3)
    before = value_of(engine, 1)
    engine.state.troops[1] *= 2
    richer = value_of(engine, 1)
    assert richer > before > value_of(engine, 2) - 0.05
    engine.max_ticks = 0
    place = engine.placements()[0]
    others = [value_of(engine, p) for p in (2, 3, 4)]
    assert place == 1 and value_of(engine, 1) > max(others)


def test_it_beats_the_strategist_in_its_seat() -> None:
    fellows = ("scripted:expander", "scripted:tribe", "scripted:turtle")
    places: dict[str, list[int]] = {"planner:copies=2": [], "scripted:strategist": []}
    rules = MatchRules(max_ticks=800, ticks_per_decision=25, n_seats=4)
    for name, found in places.items():
        specs = [MatchSpec(seed, MAP, (name, *fellows), rules) for seed in range(8)]
        found += [result.placements[0] for result in play(specs)]
    assert sum(places["planner:copies=2"]) < sum(places["scripted:strategist"])


def test_a_planner_that_hears_what_was_played_predicts_from_that() -> None:
    planner = Planner()
    board = Engine.new_match(LOAD_MAP(MAP), RULES, 7)
    planner._games[3] = _Game(Beliefs(4), board, action=7)
    planner.told(np.array([3, 9]), np.array([12, 1]))  # row 9 has no match
    assert planner._games[3].action == 12
    assert list(planner._games) == [3]
