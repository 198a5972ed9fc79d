"""What a league that uses a Ray cluster asks of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from arena.cluster.joining import Hosts
from arena.cluster.messages import DriverOrders, Room
from arena.errors import ArenaStopped
from arena.processes.jobs import News
from db import queries
from db.errors import DatabaseFullError
from db.session import read_transaction
from league.config.layers import resolve
from league.config.tree import LeagueConfig
from league.daemon.cluster import RUN_LEARNER, ClusterHome, launcher
from league.folder.layout import LeagueFolder
from league.learner.messages import LearnerOrders
from league.learner.settings import learner_settings
from league.ppo.place import RankPlace
from tests.league.daemon.scripted import League, ScriptedProcess

RANKS = ("learner.engine=ray", "learner.n_ranks=2", "learner.device=cpu")
JOINED = ("ray.address=10.0.0.1:6379", "arena.n_workers=3")


class ScriptedBridge:
    """A bridge that notes what is launched."""

    def __init__(self) -> None:
        self.launched: list[tuple[str, LearnerOrders, dict[str, Any]]] = []
        self.news: list[News] = []
        self.refusal: str | None = None

    def new_group(self) -> int:
        return 41

    def launch(self, name: str, orders: LearnerOrders, **more: Any) -> ScriptedProcess:
        self.launched.append((name, orders, more))
        return ScriptedProcess()

    def take_news(self) -> list[News]:
        news, self.news = self.news, []
        return news

    def close(self, grace_s: float) -> None:
        pass


Open = Callable[..., tuple[ClusterHome, ScriptedBridge, DriverOrders]]


@pytest.fixture
def home_of(league: League) -> Iterator[Open]:
    """Opens the cluster of settings; returns it with its bridge, and what its driver is told."""
    made: list[ClusterHome] = []

    def open_home(*sets: str) -> tuple[ClusterHome, ScriptedBridge, DriverOrders]:
        home = ClusterHome(league.folder, resolve("small", None, sets), league.engine)
        made.append(home)
        assert home.bridge is not None
        driver, bridge = home.bridge._orders, ScriptedBridge()
        home.bridge = bridge  # type: ignore[assignment]
        return home, bridge, driver

    yield open_home
    for home in made:
        home.close(0.0)


def orders_of(config: LeagueConfig, league: League) -> LearnerOrders:
    settings = learner_settings(config)
    root = str(league.folder.root)
    return LearnerOrders(root, settings, "main", "baseline", "main", 1, None, 0)


def test_a_league_without_ray_has_no_cluster_and_its_learners_are_processes(
    league: League,
) -> None:
    home = ClusterHome(league.folder, resolve("small"), league.engine)
    assert home.bridge is None and not home.trains
    here = SimpleNamespace()
    assert launcher(home, here) is here  # type: ignore[arg-type,comparison-overlap]
    home.turn()
    home.close(0.0)


def test_arena_and_learners_have_room_on_one_ray_of_this_machine(
    home_of: Open, league: League
) -> None:
    home, _, driver = home_of(
        *RANKS, "arena.engine=ray", "arena.n_workers=3", "learner.n_threads=2"
    )
    assert driver.address is None
    assert driver.n_cpus == 3 + 2 * 2 * 2  # workers; lineages times ranks times threads
    assert driver.settings["trains"] and home.n_learning_here == 4
    away, _, _ = home_of(*RANKS, *JOINED)
    assert away.n_learning_here == 0  # the workers have all cores of this machine


def test_the_ranks_of_a_learner_are_one_group_with_a_bundle_each(
    home_of: Open, league: League
) -> None:
    sets = (*RANKS, *JOINED, "ray.placement=strict_spread", "learner.n_threads=4")
    home, bridge, _ = home_of(*sets)
    group = launcher(home, None)("main", orders_of(home._config, league))  # type: ignore[arg-type]
    assert group.is_placed
    names = [name for name, _, _ in bridge.launched]
    assert names == ["learner-main", "learner-main.rank1"]
    places = [orders.place for _, orders, _ in bridge.launched]
    assert places == [RankPlace(0, 2, None), RankPlace(1, 2, None)]  # the first says where
    assert {more["target"] for _, _, more in bridge.launched} == {RUN_LEARNER}
    room = Room(41, 0, 2, n_cpus=4, n_sharing=4, strategy="STRICT_SPREAD")
    assert [more["room"] for _, _, more in bridge.launched] == [room, replace(room, index=1)]
    assert {orders.store for _, orders, _ in bridge.launched} == {None}  # they share the folder


def test_learners_on_a_cluster_go_through_the_store_and_those_of_this_machine_do_not(
    home_of: Open, league: League, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = league.folder.store_of("s3://bucket/mine", 1.0)
    monkeypatch.setattr(LeagueFolder, "store", lambda self: place)
    for sets, expected in ((JOINED, place), ((), None)):
        home, bridge, driver = home_of(*RANKS, *sets)
        home.launch("main", orders_of(home._config, league)).close(0.0)
        assert {orders.store for _, orders, _ in bridge.launched} == {expected}
        snapshots = driver.settings["snapshots"]
        assert snapshots.is_far is bool(sets)  # type: ignore[attr-defined]
    meetings = {orders.place.meeting for _, orders, _ in bridge.launched if orders.place}
    assert len(meetings) == 1 and None not in meetings  # a file, and no address


def test_news_of_the_cluster_are_stored_once_and_a_refusal_ends_the_league(
    home_of: Open, league: League, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, bridge, _ = home_of(*RANKS)
    bridge.news = [News("node 10.0.0.3 has left the Ray cluster", "warning")]

    def full(*_: object, **__: object) -> int:
        raise DatabaseFullError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr("league.daemon.cluster.queries.add_event", full)
        with pytest.raises(DatabaseFullError):
            home.turn()
    home.turn()
    home.turn()
    with read_transaction(league.engine) as session:
        events = queries.list_events(session, kind="cluster")
    told = [(event.level, event.message) for event in events]
    assert told == [("warning", "node 10.0.0.3 has left the Ray cluster")]
    bridge.refusal = "ray.address = 'auto': expected a running Ray cluster, found none"
    with pytest.raises(ArenaStopped, match="expected a running Ray cluster"):
        home.turn()


@pytest.mark.parametrize(
    ("device", "n_gpus", "share"),
    [("cpu", 8, None), ("auto", 0, None), ("auto", 4, 1), ("auto", 2, 0.5), ("cuda", 0, 1)],
)
def test_ranks_get_the_gpus_that_there_are_or_wait_for_those_that_are_asked_for(
    home_of: Open, league: League, device: str, n_gpus: int, share: float | None
) -> None:
    home, bridge, _ = home_of(*RANKS[:2], f"learner.device={device}")
    home.launch("main", orders_of(home._config, league)).close(0.0)
    room = bridge.launched[0][2]["room"]
    ray: Any = SimpleNamespace(
        cluster_resources=lambda: {"CPU": 8.0, "GPU": float(n_gpus)},
        remote=lambda **_: lambda kind: kind,
    )
    assert Hosts(ray, DriverOrders(None, 1), {}).bundle(room).get("GPU") == share
