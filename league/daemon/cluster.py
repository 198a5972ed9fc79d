"""The Ray cluster of a league that uses one: the bridge to it that arena and learners share.

Promises: a league that asks for no cluster has none, and imports nothing of Ray; one that asks for
it in both places has one; what happens to the cluster is in the journal once. A cluster that cannot
be used as it is ends the league with a sentence. One that was started here ends with the league.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Literal

from sqlalchemy import Engine

from arena.cluster.bridge import Bridge, folder_for_ray
from arena.cluster.messages import DriverOrders, Room
from arena.errors import ArenaStopped
from arena.processes.group import ProcessGroup
from arena.processes.jobs import News, WorkerLimits
from arena.processes.scratch import ScratchFolder
from arena.processes.supervisor import Process
from db import queries
from db.session import write_transaction
from league.config.tree import LeagueConfig
from league.daemon.arenas import CHECK, count_ranks, count_workers, settings_of_workers
from league.daemon.learners import Launch, start_ranks
from league.folder.layout import LeagueFolder
from league.learner.messages import LearnerOrders
from league.ppo.place import RankPlace

RUN_LEARNER = "league.learner.process:run_learner"
_GPUS: Mapping[str, Literal["auto", "on"]] = {"auto": "auto", "cuda": "on"}  # by learner.device


class ClusterHome:
    """The cluster of a running league; where neither engine is "ray" it does nothing.

    Args:
        engine: of the league's database, for writing.

    Attributes:
        bridge: what workers and learners are started through; None without a cluster.
    """

    def __init__(self, folder: LeagueFolder, config: LeagueConfig, engine: Engine) -> None:
        self._folder, self._config, self._engine = folder, config, engine
        self._news: list[News] = []
        self.bridge: Bridge | None = None
        self._scratch: ScratchFolder | None = None
        self.trains = config.learner.engine == "ray" and bool(config.learners)
        if config.arena.engine == "ray" or self.trains:
            self._scratch = ScratchFolder("league-ray-")
            self.bridge = Bridge(
                self._driver_orders(self._scratch), self._scratch.path, WorkerLimits().start_limit_s
            )

    @property
    def n_learning_here(self) -> int:
        """Number of learners' processes on this machine."""
        is_elsewhere = self.trains and self._config.ray.address is not None
        return 0 if is_elsewhere else count_ranks(self._config)

    def _driver_orders(self, scratch: ScratchFolder) -> DriverOrders:
        config = self._config
        n_cpus = 0
        if config.arena.engine == "ray":
            n_cpus += count_workers(config.arena.n_workers, self.n_learning_here)
        if self.trains:
            n_cpus += count_ranks(config) * config.learner.n_threads
        settings = settings_of_workers(self._folder, config)
        return DriverOrders(
            address=config.ray.address,
            n_cpus=n_cpus,
            folder=folder_for_ray(scratch.path),
            check=CHECK,
            settings={**settings, "trains": self.trains},
        )

    def turn(self) -> None:
        """Write what happened to the cluster into the journal.

        Raises:
            ArenaStopped: the cluster cannot be used as it is.
            DatabaseError: the database cannot be written; nothing is lost.
        """
        if self.bridge is None:
            return
        self._news += self.bridge.take_news()
        if self._news:
            with write_transaction(self._engine) as session:
                for news in self._news:
                    queries.add_event(session, "cluster", news.text, level=news.level)
            self._news.clear()
        if self.bridge.refusal is not None:
            raise ArenaStopped(self.bridge.refusal)

    def close(self, grace_s: float) -> None:
        """Leave the cluster, once nobody uses it any more; closing twice does nothing."""
        if self.bridge is not None and self._scratch is not None:
            self.bridge.close(grace_s)
            self._scratch.close()

    def launch(self, name: str, orders: LearnerOrders) -> Process:
        """Start a learner's processes on the cluster.

        Raises:
            OSError, EOFError: the driver cannot be started.
        """
        config = self._config
        assert self.bridge is not None  # only called where learners train on a cluster
        is_here = config.ray.address is None
        if not is_here:
            orders = replace(orders, store=self._folder.store())
        room = Room(
            self.bridge.new_group(),
            size=orders.settings.n_ranks,
            n_cpus=config.learner.n_threads,
            gpus=_GPUS.get(config.learner.device, "off"),
            n_sharing=count_ranks(config),
            strategy=config.ray.placement.upper(),
        )
        return launch_far(
            self.bridge, name, room, lambda place: replace(orders, place=place), is_here=is_here
        )


def launch_far(
    bridge: Bridge,
    name: str,
    room: Room,
    orders_of: Callable[[RankPlace | None], object],
    *,
    is_here: bool,
    target: str = RUN_LEARNER,
) -> ProcessGroup:
    """Start the ranks of a learner on a cluster, each in its bundle of a place of their own.

    Args:
        orders_of: returns what the rank in a place is told; None is the place of one without
            others.
        is_here: the whole cluster is this machine: they meet over a file.
        target: "module:function" that runs in them.

    Raises:
        OSError, EOFError: the driver cannot be started; those that were started are ended.
    """

    def start(title: str, place: RankPlace) -> Process:
        orders = orders_of(None if room.size == 1 else place)
        seat = replace(room, index=place.rank)
        preload = [target.partition(":")[0]]
        return bridge.launch(title, orders, target=target, preload=preload, room=seat)

    return start_ranks(name, room.size, start, meet_here=is_here and room.size > 1)


def launcher(home: ClusterHome, here: Launch) -> Launch:
    """Return what starts learners: on the cluster if they train there, else `here`."""
    return home.launch if home.trains else here
