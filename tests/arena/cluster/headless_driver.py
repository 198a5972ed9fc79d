"""The real driver on a stand-in for Ray whose head goes away once it was joined."""

from __future__ import annotations

from multiprocessing import connection
from types import SimpleNamespace
from typing import Any

from arena.cluster import driver
from arena.cluster.messages import DriverOrders
from arena.processes.messages import Birth


class Kind:
    """Hosts of this kind cannot be made."""

    def options(self, **_: Any) -> Kind:
        return self

    def remote(self, *_: Any) -> None:
        raise ConnectionError("Ray Client is not connected")


def run(pipe: connection.Connection, birth: Birth, orders: DriverOrders) -> None:
    ray = SimpleNamespace(
        __version__="2.60.0",
        nodes=list,
        cluster_resources=dict,
        remote=lambda **_: lambda host: Kind(),
    )
    driver.join = lambda orders: ray  # type: ignore[assignment]
    driver.check_nodes = lambda ray, orders: {}  # type: ignore[assignment]
    driver.run_driver(pipe, birth, orders)
