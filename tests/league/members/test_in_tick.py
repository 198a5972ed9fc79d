"""Members whom the engine plays: anchors like others, in leagues that have their mind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from numpy.random import PCG64, Generator
from sqlalchemy.orm import Session

from agents.boards import Boards
from agents.errors import AgentError
from agents.in_tick import IN_TICK, is_equal, terms_of
from agents.orders import WAIT
from agents.registry import make_loader, parse_spec
from arena.match import MatchResult, MatchSpec, play_matches
from arena.territory.engine.engine import Engine
from arena.territory.engine.rules import MatchRules
from arena.territory.maps import load_map
from db import queries
from db.session import read_transaction, write_transaction
from league.champion import throne
from league.champion.court import advance
from league.champion.pool import can_reign
from league.champion.trials import Stage, Trial, match_spec
from league.config.layers import resolve
from league.daemon.planner import Planner
from league.errors import ChampionError, ConfigError, MemberError, PitError
from league.folder.opening import open_for_start
from league.learner.middles import Board, deal
from league.members.admission import admit_scripted
from league.members.entry import add_member, find_member
from league.pit.plan import PitPlan
from league.pit.run import PitRequest, run_pit
from league.pit.sides import Side
from league.pit.table import Game, laid
from league.python.playing import play_pit
from tests.league.daemon.rated import match_settings, season
from tests.league.daemon.scripted import new_league
from tests.league.hand_made import add_rated
from tests.league.pit.conftest import make_quick_league

MAP = "generated:plains:64x64:1"
RULES = MatchRules(max_ticks=200, ticks_per_decision=25, n_seats=4)


def test_they_are_known_by_the_names_of_their_terms() -> None:
    assert IN_TICK[0] == "bot" and len(IN_TICK) == 6
    for name in IN_TICK:
        assert parse_spec(f"scripted:{name}") == ("scripted", name)
    specs = ("scripted:tribe", "scripted:bot", "snapshot:ab", "scripted:nation-hard", "nation")
    assert terms_of(specs) == ("", "bot", "", "nation-hard", "")
    assert [is_equal(f"scripted:{name}") for name in IN_TICK] == [False, True, *[False] * 4]


def test_a_line_up_with_tribes_of_the_engine_is_played() -> None:
    agents = ("scripted:bot", "scripted:expander") * 2
    spec = MatchSpec(1, MAP, agents, RULES, terms=terms_of(agents))
    (found,) = play_matches([spec], make_loader(), load_map)
    assert isinstance(found, MatchResult) and set(found.agent_s) == {"scripted:expander"}


@pytest.mark.parametrize("name", [name for name in IN_TICK if name != "bot"])
def test_nations_are_refused_in_leagues_of_2025(tmp_path: Path, name: str) -> None:
    folder = make_quick_league(tmp_path / "league")
    said = f"scripted:{name} plays in leagues of edition 2026 alone"
    with pytest.raises(AgentError, match=said):
        add_member(folder, f"scripted:{name}")
    with pytest.raises(AgentError, match=said):
        run_pit(PitRequest(f"scripted:{name}", "tribe", n_matches=2), folder)
    small = Game("small")
    with pytest.raises(AgentError, match=said), laid([name, "tribe"], [], None, game=small):
        pass
    with pytest.raises(ConfigError, match=said):
        resolve("small", sets=[f'rating.anchors=["tribe", "{name}"]'])
    assert not [m for m in _members(folder.sqlite) if m == name]


def _members(path: Path) -> list[str]:
    from db.session import open_writer

    engine = open_writer(path)
    with read_transaction(engine) as session:
        return [member.name for member in queries.list_members(session)]


def test_a_league_of_2026_may_have_nations_as_anchors_and_held_out() -> None:
    config = resolve(
        "small",
        sets=[
            "rules.edition=2026",
            'rating.anchors=["tribe", "bot", "nation-easy"]',
            'rating.held_out=["nation-medium"]',
        ],
    )
    assert config.rating.scripted_members == ("tribe", "bot", "nation-easy", "nation-medium")


def test_without_a_league_nations_play_by_the_rules_of_the_preset_real() -> None:
    with laid(["nation-easy", "scripted:tribe"], [], None) as table:
        assert table.rules == resolve("real").rules.to_rules()
        assert [side.agent_spec for side in table.sides] == [
            "scripted:nation-easy",
            "scripted:tribe",
        ]
    chosen = Game(None, ("rules.crowd=nations=3", "rules.n_seats=6"))
    with laid(["nation", "tribe"], [], None, game=chosen) as table:
        assert (table.rules.crowd, table.rules.n_players) == ("nations-medium=3", 9)
    with laid(["tribe", "idle"], [], None) as table:
        assert table.rules == MatchRules(ticks_per_decision=25)


def test_a_leagues_rules_are_not_changed_for_a_head_to_head(tmp_path: Path) -> None:
    folder = make_quick_league(tmp_path / "league")
    table = laid(["tribe", "idle"], [], folder, game=Game(None, ("rules.n_seats=6",)))
    with pytest.raises(PitError, match="expected the rules of the league"), table:
        pass


def test_a_tribe_of_the_engine_joins_by_hand_and_its_name_is_its_own(tmp_path: Path) -> None:
    folder = make_quick_league(tmp_path / "league")
    member = add_member(folder, "scripted:bot")
    assert (member.name, member.role, member.agent_spec) == ("bot", "anchor", "scripted:bot")
    with pytest.raises(MemberError, match=r"reserved for the agent scripted:nation"):
        add_member(folder, "scripted:turtle", "nation")


def test_every_way_to_a_match_says_on_which_terms_its_seats_sit(tmp_path: Path) -> None:
    bot, tribe = Side("bot", "scripted:bot"), Side("tribe", "scripted:tribe")
    plan = PitPlan(bot, tribe, (MAP,), RULES, resolve("small").views.to_views())
    assert plan.spec(1, 0).terms == ("bot", "", "bot", "")
    stage = Stage(RULES, plan.views, (MAP,), ())
    specs = {1: "scripted:bot", 2: "scripted:tribe"}
    trial = Trial("challenge", "challenge", 1, 2, 1)
    assert match_spec(trial, stage, specs, 0, (1, 2, 2, 1)).terms == ("bot", "", "", "bot")
    with new_league(tmp_path / "league") as league:
        with write_transaction(league.engine) as session:
            admit_scripted(session, ("tribe", "bot"), season(league))
        planner = Planner(match_settings(league), league.engine, season(league), tmp_path)
        (planned,) = planner.plan(1, [])
        spec = MatchSpec.from_json(dict(planned.spec))
    assert "bot" in spec.terms
    assert spec.terms == terms_of(spec.agents)


def test_whoever_has_a_handicap_is_never_champion(session: Session) -> None:
    nation = add_rated(session, "nation-impossible", 40.0, 0.5, role="anchor")
    equal = add_rated(session, "nation", 30.0, 0.5, role="anchor")
    tribe = add_rated(session, "tribe", 25.0, 0.5, role="anchor")
    members = {i: queries.get_member(session, i) for i in (nation, equal, tribe)}
    assert set(can_reign(members)) == {equal, tribe}
    with pytest.raises(ChampionError, match="on the terms of a human, found nation-impossible"):
        throne.crown(session, members[nation], "hand", "it wins")
    from datetime import UTC, datetime

    ratings = {nation: (40.0, 99), equal: (30.0, 99), tribe: (25.0, 99)}
    book = advance(session, ratings, datetime(2026, 5, 1, tzinfo=UTC))
    assert book.champion == equal
    book = advance(session, {**ratings, tribe: (20.0, 99)}, datetime(2026, 5, 2, tzinfo=UTC))
    assert "challenge" not in book.entries  # the nation above it is no challenger


def test_who_chooses_no_actions_teaches_nobody(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="played by the engine inside the tick"):
        open_for_start(tmp_path / "league", None, ("learner.teacher=scripted:bot",))
    assert not (tmp_path / "league").exists()


def test_a_planner_lets_them_play_on_as_they_do() -> None:
    board = Engine.new_match(load_map(MAP), RULES, 1, terms=("bot", "", "", ""))
    boards = Boards()
    boards.clone(board, [5, 6])
    boards.look()
    bot = int(board.spawn_of[0])
    agent = make_loader()("scripted:expander")
    actions = boards.decide([agent], Generator(PCG64(0)).integers(1, size=8), 0)
    assert actions.reshape(2, 4)[:, bot].tolist() == [WAIT, WAIT]
    assert (np_delete(actions.reshape(2, 4), bot) != WAIT).all()


def np_delete(values: Any, column: int) -> Any:
    import numpy as np

    return np.delete(values, column, axis=1)


def test_nobody_takes_over_the_seat_of_a_mind_in_the_middle_of_a_match() -> None:
    spec = MatchSpec(1, MAP, ("any",) * 4, RULES)
    board = Board.replayed(spec, (), load_map)
    rng = Generator(PCG64(1))
    drawn = deal(board, 2, "me", lambda n, rng: ["scripted:bot", "scripted:idle"][:n], rng)
    assert drawn is not None and sorted(drawn.agents) == ["me", "me", *["scripted:idle"] * 2]
    assert deal(board, 2, "me", lambda n, rng: ["scripted:bot"] * n, rng) is None


def test_a_member_of_the_engine_is_found_by_its_name(tmp_path: Path) -> None:
    folder = make_quick_league(tmp_path / "league")
    add_member(folder, "scripted:bot")
    from db.session import open_writer

    with read_transaction(open_writer(folder.sqlite)) as session:
        assert find_member(session, "bot").agent_spec == "scripted:bot"
    report = play_pit(folder, "bot", "scripted:expander", 2, None, 1, None, True).report
    assert report.a == "bot" and report.n_matches == 2
