"""A match over the pipe, played by our own engine at the other end: the mirror has its board."""

from __future__ import annotations

import numpy as np
import pytest

from agents.registry import make_loader
from arena.errors import MatchError
from arena.lockstep import Lockstep
from arena.territory.engine.actions import WAIT
from arena.territory.engine.engine import Engine
from arena.territory.engine.rules import MAX_SEATS, MatchRules
from arena.territory.maps import generate_map
from arena.territory.observation.views import SMALL_VIEWS
from league.bridge.match import HUMAN_TRIBE, NATIONS, TRIBE, BridgedMatch, seat_of_spec, seed_id
from league.bridge.process import EngineProcess
from tests.league.bridge.conftest import Start

RULES = MatchRules(max_ticks=120, n_seats=4, edition="2026")
VIEWS = SMALL_VIEWS.of_edition("2026")
MAP = generate_map("plains", 64, 64, 2)


def begin(process: EngineProcess, specs: tuple[str, ...], seed: int = 5) -> BridgedMatch:
    load = make_loader(None)
    agents = [None if spec.startswith("engine:") else load(spec) for spec in specs]
    return BridgedMatch(MAP, RULES, VIEWS, seed, 0, agents, specs=specs, process=process, slot=0)


def play(match: BridgedMatch) -> Lockstep:
    lockstep = Lockstep(1, VIEWS)
    lockstep.begin(0, match)
    actions = np.full(MAX_SEATS, WAIT)
    while not match.engine.is_over:
        lockstep.refresh()
        lockstep.ask_agents(actions)
        lockstep.advance(actions)
        engine = match.engine
        there = np.frombuffer(match.process.owners(0), "<u2").reshape(engine.owner.shape)
        assert np.array_equal(np.where(engine.owner > 250, 0, engine.owner), there)
        assert engine.tiles.tolist() == match.board.column("players", "tiles").tolist()
        assert engine.troops.tolist() == match.board.column("players", "troops").tolist()
        assert engine.tick == match.board.tick
    return lockstep


def test_decisions_go_over_the_pipe_and_the_board_comes_back(start_peer: Start) -> None:
    specs = ("scripted:expander", "scripted:tribe", "engine:tribe", "scripted:expander")
    match = begin(start_peer("play"), specs)
    at_start = match.engine.tiles.sum()
    play(match)
    assert match.engine.tick == 120
    assert match.engine.tiles.sum() > 2 * at_start
    minds = match.engine.spawn_of[2]  # nobody gives orders for it, and here it has no mind
    assert match.engine.tiles[minds] <= 52
    assert match.engine.state.kind[minds + 1] == 1
    # Our own engine plays the same match by itself: the same seats at the same places.
    ours = Engine.new_match(MAP, RULES, 5)
    assert match.engine.seat_of.tolist() == ours.seat_of.tolist()


def test_kinds_of_the_original_are_specs_and_others_are_refused() -> None:
    assert seat_of_spec(TRIBE).kind == "bot"
    assert (seat_of_spec(HUMAN_TRIBE).kind, seat_of_spec(HUMAN_TRIBE).mind) == ("human", "tribe")
    assert [seat_of_spec(name).difficulty for name in NATIONS] == [
        *("easy", "medium", "hard", "impossible"),
    ]
    assert seat_of_spec("scripted:expander").kind == "human"
    with pytest.raises(MatchError, match=r"expected one of engine:tribe, .* found engine:pirate"):
        seat_of_spec("engine:pirate")


def test_ids_follow_from_the_seed_and_are_what_the_original_takes() -> None:
    assert seed_id(1, 2) == seed_id(1, 2) != seed_id(1, 3)
    assert all(seed_id(7, p).isalnum() and len(seed_id(7, p)) == 8 for p in range(50))
