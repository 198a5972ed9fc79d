"""A driver without Ray: what it does is in `settings["script"]`, one word per worker it is given.

Words: "play" (a worker that adds 1), "lose" (lost when it gets jobs), "die" (the driver is killed
when jobs come), "wait" (never placed), "deaf" (signals change nothing). "refuse", "silent" and
"crash" concern the whole driver.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
import time
from multiprocessing import connection
from pathlib import Path

from arena.cluster.messages import (
    DriverOrders,
    FromWorker,
    Joined,
    LaunchWorker,
    Leave,
    Refused,
    SignalWorker,
    ToWorker,
    WorkerExited,
    WorkerLost,
    WorkerPlaced,
)
from arena.processes.child import EXIT_CRASHED, begin
from arena.processes.jobs import News
from arena.processes.messages import Birth, Crashed, Outcomes, PlayJobs, WorkerIdle, WorkerReady


def run(pipe: connection.Connection, birth: Birth, orders: DriverOrders) -> None:
    link = begin(pipe, birth)
    folder = Path(str(orders.settings["folder"]))
    with (folder / "drivers.txt").open("a") as stream:
        stream.write(f"{os.getpid()} {orders.is_known}\n")
    script = list((folder / "script.txt").read_text().split())
    if script[:1] == ["refuse"]:
        link.send(Refused("ray.address = 'auto': expected a running Ray cluster, found none"))
        return
    if script[:1] == ["crash"]:
        (folder / "script.txt").write_text("play")
        link.send(Crashed.of("could not join the Ray cluster", ConnectionError("no head")))
        sys.exit(EXIT_CRASHED)
    if script[:1] == ["silent"]:
        (folder / "script.txt").write_text("play")
        time.sleep(600)
    link.send(Joined("workers run on a script"))
    words: dict[int, str] = {}
    while (order := link.receive()) is not None and not isinstance(order, Leave):
        match order:
            case LaunchWorker(key):
                words[key] = script.pop(0) if script else "play"
                (folder / "script.txt").write_text(" ".join(script) or "play")
                if words[key] != "wait":
                    link.send(WorkerPlaced(key, os.getpid(), "10.0.0.3"))
                    link.send(FromWorker(key, (WorkerReady(),)))
            case ToWorker(key, PlayJobs(jobs)):
                if words[key] == "die":
                    os.kill(os.getpid(), signal.SIGKILL)
                if words[key] == "lose":
                    link.send(News("node 10.0.0.3 has left the Ray cluster", "warning"))
                    link.send(WorkerLost(key, "was lost on node 10.0.0.3: the node died"))
                    continue
                done = tuple((i, pickle.dumps(pickle.loads(spec) + 1)) for i, spec in jobs)
                link.send(FromWorker(key, (Outcomes(done), WorkerIdle())))
            case SignalWorker(key) if words[key] != "deaf":
                link.send(WorkerExited(key, 0, ""))
