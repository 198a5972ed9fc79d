"""A learner on another machine than its manager, and how its ranks meet."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from league.bench.learner import make_orders
from league.config.layers import resolve
from league.learner.afar import at_home
from league.learner.messages import LearnerOrders, MeetAt, Roster, Stop
from league.learner.process import join_ranks
from league.learner.waiting import StopOrdered
from league.ppo.place import RankPlace
from league.store.store import StorePlace
from tests.league.learner.test_process import ScriptedManager


@pytest.fixture
def orders(tmp_path: Path) -> LearnerOrders:
    config = resolve("small", None, ["learner.device=cpu"])
    return make_orders(tmp_path / "mine", config, "baseline")


def test_two_learners_of_a_league_keep_apart_on_a_machine_and_share_its_copies(
    orders: LearnerOrders, tmp_path: Path
) -> None:
    store = StorePlace(str(tmp_path / "store"), str(tmp_path / "elsewhere"), 10**6)
    far = [at_home(replace(orders, store=store, name=name)) for name in ("a", "b")]
    roots = [Path(found.root) for found in far]
    assert roots[0] != roots[1] and all(root.is_dir() for root in roots)
    assert {root.name for root in roots} == {"mine"}  # curves are shown by it
    places = {found.store for found in far}
    assert places == {replace(store, cache=str(tmp_path / "mine/cache/nodes/store"))}


def test_a_learner_beside_its_manager_uses_the_leagues_folder(orders: LearnerOrders) -> None:
    assert at_home(orders) is orders


class Meetings:
    """Stands for league.ppo.meeting and join_group: nobody listens."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.joined: list[tuple[int, Any]] = []
        self.entered: list[tuple[str, int]] = []
        self.interfaces: list[str] = []
        meeting = "league.ppo.meeting."
        monkeypatch.setattr(meeting + "talk_over", self.interfaces.append)
        monkeypatch.setattr(meeting + "open_meeting", lambda address, size, s: ("opened", 4711))
        monkeypatch.setattr(meeting + "enter_meeting", self._enter)
        monkeypatch.setattr("league.ppo.peers.join_group", self._join)

    def _enter(self, address: str, port: int, size: int, limit_s: float) -> str:
        self.entered.append((address, port))
        return "entered"

    def _join(self, place: RankPlace, device: object, store: object = None) -> Any:
        self.joined.append((place.rank, store))
        return SimpleNamespace(rank=place.rank)


def test_ranks_on_several_machines_meet_where_the_first_one_says(
    orders: LearnerOrders, monkeypatch: pytest.MonkeyPatch
) -> None:
    meetings = Meetings(monkeypatch)
    first, other = ScriptedManager(), ScriptedManager(MeetAt("10.0.0.5", 4711))
    join_ranks(replace(orders, place=RankPlace(0, 2, None)), first, "10.0.0.5")
    assert first.heard == [MeetAt("10.0.0.5", 4711)]
    join_ranks(replace(orders, place=RankPlace(1, 2, None)), other, "10.0.0.6")
    assert meetings.entered == [("10.0.0.5", 4711)]
    assert meetings.joined == [(0, "opened"), (1, "entered")]
    assert meetings.interfaces == ["10.0.0.5", "10.0.0.6"]
    # Those of one machine meet over a file, and say nothing.
    quiet = ScriptedManager()
    join_ranks(replace(orders, place=RankPlace(1, 2, "/a/file")), quiet, "10.0.0.6")
    assert meetings.joined[-1] == (1, None) and not quiet.heard


@pytest.mark.parametrize("told", [(Stop(),), (Roster((), {}, ()), Stop()), ()])
def test_a_rank_that_waits_for_the_meeting_hears_a_stop_or_that_the_manager_is_gone(
    orders: LearnerOrders, monkeypatch: pytest.MonkeyPatch, told: tuple[object, ...]
) -> None:
    Meetings(monkeypatch)
    with pytest.raises(StopOrdered):
        join_ranks(replace(orders, place=RankPlace(1, 2, None)), ScriptedManager(*told), "10.0.0.6")
