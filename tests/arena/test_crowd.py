"""Seats whom the engine plays, and a crowd that nobody rates: placed, played back, refused."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from agents.in_tick import InTick
from arena.agent import Agent, IntArray, SeatBatch
from arena.errors import MatchError
from arena.lockstep import DEAD, Lockstep
from arena.match import (
    MatchFailure,
    MatchResult,
    MatchSpec,
    play_matches,
    start_match,
    unpack_actions,
)
from arena.replay import playing, read_replay, verify, write_replay
from arena.territory.engine.engine import Engine
from arena.territory.engine.rules import MAX_SEATS, MatchRules
from arena.territory.engine.terms import TERMS, crowd_terms
from arena.territory.maps import load_map
from arena.territory.observation.observation import empty_views
from tests.arena.territory.engine.engine_checks import check_state

MAP = "generated:plains:64x64:5"
LOAD_MAP = lru_cache(8)(load_map)
SOME = MatchRules(max_ticks=150, ticks_per_decision=25, n_seats=4)
CROWD = replace(SOME, crowd="tribes=6")
TRIBES = ("", "bot", "", "bot")


class Legal:
    """The first legal action."""

    uses_rng = False

    def __init__(self) -> None:
        self.rows: list[int] = []

    def reset(self, rows: IntArray) -> None:
        pass

    def act(self, batch: SeatBatch, rng: np.random.Generator) -> IntArray:
        self.rows += batch.rows.tolist()
        return batch.action_mask.argmax(axis=1).astype(np.int64)


class Tribe(Legal):
    terms = "bot"


def play(spec: MatchSpec) -> tuple[MatchResult, Legal, Legal]:
    human, tribe = Legal(), Tribe()
    agents: dict[str, Agent] = {"any": human, "tribe": tribe}
    (found,) = play_matches([spec], agents.__getitem__, LOAD_MAP)
    assert isinstance(found, MatchResult), found
    return found, human, tribe


def test_seats_of_the_engine_are_never_asked_and_are_played_back_from_the_spec(
    tmp_path: Path,
) -> None:
    spec = MatchSpec(1, MAP, ("any", "tribe", "any", "tribe"), SOME, terms=TRIBES)
    assert MatchSpec.from_json(json.loads(json.dumps(spec.to_json()))) == spec
    found, human, tribe = play(spec)
    assert set(human.rows) == {0, 2} and not tribe.rows
    assert found.agent_s["any"] > 0.0 and "tribe" not in found.agent_s
    assert min(found.tiles) > 52  # they moved, the tribes too
    assert len(unpack_actions(found.actions)) == 2 * 6 and found.n_illegal == (0,) * 4
    write_replay(found, tmp_path / "it.replay")
    replay = read_replay(tmp_path / "it.replay")
    assert verify(replay, LOAD_MAP) == found.final_state_sha256
    for _, actions in playing(replay, LOAD_MAP):
        assert actions is None or (actions[[1, 3]] == DEAD).all()


def test_tribes_play_on_their_own_terms() -> None:
    match = start_match(replace_terms(TRIBES), LOAD_MAP, [None] * 4)
    troops = match.engine.by_seat(match.engine.troops)
    assert troops == [25_000, 10_000, 25_000, 10_000]
    assert match.by_engine.tolist() == [False, True, False, True]
    assert match.acting.tolist() == [True, False, True, False] and match.living.all()


def replace_terms(terms: tuple[str, ...], rules: MatchRules = SOME) -> MatchSpec:
    return MatchSpec(1, MAP, ("any",) * 4, rules, terms=terms)


def test_a_spec_of_humans_alone_is_written_as_before() -> None:
    spec = replace_terms(("",) * 4)
    assert spec.terms == () and "terms" not in spec.to_json()
    assert "crowd" not in spec.to_json()["rules"] and "crowd" not in SOME.to_json()
    assert CROWD.sha256() != SOME.sha256()
    assert MatchRules.from_json(CROWD.to_json()) == CROWD


@pytest.mark.parametrize("terms", [name for name in TERMS if name.startswith("nation")])
def test_a_nation_without_a_mind_is_refused(terms: str) -> None:
    with pytest.raises(MatchError, match=f"edition 2026 .*{terms}.* never move"):
        replace_terms(("", "", "", terms))
    with pytest.raises(MatchError, match="never move"):
        Engine.new_match(LOAD_MAP(MAP), SOME, 1, terms=("", "", "", terms))


@pytest.mark.parametrize(
    ("terms", "says"),
    [(("", "bot"), "each of 4 seats, found 2"), (("king",) * 4, "expected terms of bot")],
)
def test_other_terms_are_refused(terms: tuple[str, ...], says: str) -> None:
    with pytest.raises(MatchError, match=says):
        replace_terms(terms)


@pytest.mark.parametrize("terms", [(), ("bot", "bot", "bot", "")])
def test_an_agent_on_other_terms_than_its_seat_is_refused(terms: tuple[str, ...]) -> None:
    spec = MatchSpec(1, MAP, ("any", "tribe", "tribe", "tribe"), SOME, terms=terms)
    (found,) = play_matches([spec], {"any": Legal(), "tribe": Tribe()}.__getitem__, LOAD_MAP)
    assert isinstance(found, MatchFailure)
    assert "expected the terms" in found.error and found.blamed == ()


def test_a_crowd_plays_beyond_the_seats_and_takes_no_place_from_them(tmp_path: Path) -> None:
    found, human, _ = play(MatchSpec(3, MAP, ("any",) * 4, CROWD, rotation=7))
    assert len(found.placements) == len(found.tiles) == len(found.weights) == 4
    assert set(human.rows) <= {0, 1, 2, 3}
    write_replay(found, tmp_path / "it.replay")
    for match, _ in playing(read_replay(tmp_path / "it.replay"), LOAD_MAP):
        assert match.engine.n_players == 10 and len(match.living) == 4
    assert match.engine.state_sha256() == found.final_state_sha256
    places = match.engine.placements()
    assert tuple(places[:4]) == found.places_in_crowd and max(places[:4]) > 4
    assert sorted(found.placements) == [1, 2, 3, 4]
    assert np.argsort(found.placements).tolist() == np.argsort(places[:4]).tolist()
    assert verify(read_replay(tmp_path / "it.replay"), LOAD_MAP) == found.final_state_sha256
    crowd = match.engine.spawn_of[4:] + 1
    assert (match.engine.state.kind[crowd] == 1).all()
    assert (match.engine.state.tiles[crowd] > 52).any()


def test_nations_play_their_seats_and_a_crowd_with_their_minds(tmp_path: Path) -> None:
    rules = replace(SOME, edition="2026", crowd="tribes=3,nations-hard=2")
    terms = ("", "nation-easy", "nation", "nation-impossible")
    agents = ("any", "nation-easy", "nation", "nation-impossible")
    spec = MatchSpec(5, MAP, agents, rules, terms=terms)

    def load(name: str) -> Agent:
        return Legal() if name == "any" else InTick(name)

    match = start_match(spec, LOAD_MAP, [None] * 4)
    assert match.engine.by_seat(match.engine.troops)[:4] == [25_000, 12_500, 25_000, 31_250]
    assert match.engine.without_mind() == [] and match.by_engine.tolist() == [False] + [True] * 3
    (found,) = play_matches([spec], load, LOAD_MAP)
    assert isinstance(found, MatchResult), found
    assert min(found.tiles[1:]) > 52 and len(unpack_actions(found.actions)) <= 6
    write_replay(found, tmp_path / "it.replay")
    assert verify(read_replay(tmp_path / "it.replay"), LOAD_MAP) == found.final_state_sha256


def test_nobody_looks_at_what_the_crowd_sees() -> None:
    core = Lockstep(1, MatchSpec(1, MAP, ("any",) * 4, CROWD).views)
    match = start_match(MatchSpec(1, MAP, ("any",) * 4, CROWD), LOAD_MAP, [None] * 4)
    core.begin(0, match)
    core.refresh()
    assert core.alive[:4].all() and not core.alive[4:].any()
    assert (core.facts.own[:4, 2] > 0).all() and not core.facts.own[4:].any()
    views = empty_views(4, core.views)
    core.observe(np.arange(4), views)
    assert (views.scalars != 0).any(axis=1).all()


def test_a_crowd_is_written_in_one_way() -> None:
    rules = MatchRules(edition="2026", crowd=" nations=2 ,tribes=3,nations-easy=0")
    assert rules.crowd == "tribes=3,nations-medium=2"
    assert rules.crowd_terms == ("bot",) * 3 + ("nation-medium",) * 2 and rules.n_players == 15
    assert crowd_terms("") == () and MatchRules().n_players == 10


@pytest.mark.parametrize(
    ("crowd", "says"),
    [
        ("tribes", "expected a crowd such as"),
        ("tribes=two", "expected a crowd such as"),
        ("kings=2", "expected a crowd such as"),
        ("tribes=1,tribes=2", "each once"),
        ("tribes=241", f"at most {MAX_SEATS} players, found 10 seats and a crowd of 241"),
        ("nations=2", "edition 2026"),
    ],
)
def test_a_crowd_that_cannot_play_is_refused(crowd: str, says: str) -> None:
    with pytest.raises(MatchError, match=says):
        MatchRules(crowd=crowd)


def test_two_hundred_and_fifty_players_keep_every_count_right() -> None:
    rules = MatchRules(max_ticks=100, n_seats=10, crowd="tribes=240")
    engine = Engine.new_match(LOAD_MAP("generated:plains:128x128:1"), rules, 1)
    engine.run(80)
    assert (engine.tiles > 0).sum() > 200 and (engine.tiles > 60).sum() > 20
    check_state(engine)
