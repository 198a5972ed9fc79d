"""The child process in which a plug-in is loaded and tried: `agents.check` starts it.

Promises: the plug-in's imports, threads and exits end with this process, as does what it prints.
Its command line is this process's, as it is in a worker: never one that was meant for the plug-in.
"""

from __future__ import annotations

import os
import sys
from dataclasses import asdict
from multiprocessing.connection import Connection
from typing import Any

from agents.errors import AgentError

ARGUMENTS = ("league-plug-in", "--checked-by-the-league")


def main(order: dict[str, Any]) -> None:
    """Try one plug-in and send the stages and the outcome; never returns."""
    import json

    from agents.check import try_agent
    from arena.territory.observation.warm_up import warm_up

    def send(message: dict[str, Any]) -> None:
        link.send_bytes(json.dumps(message).encode())

    link = Connection(order["descriptor"], readable=False)
    sys.argv[:] = ARGUMENTS
    warm_up(order["edition"])  # a first compilation takes minutes, which are not the plug-in's
    send({"stage": "started"})
    try:
        results = try_agent(
            order["name"],
            order["max_ticks"],
            lambda stage: send({"stage": stage}),
            order["edition"],
        )
    except AgentError as error:
        send({"error": str(error), "notes": getattr(error, "__notes__", [])})
    else:
        packed = [
            asdict(r) | {"spec": r.spec.to_json(), "actions": r.actions.hex()} for r in results
        ]
        send({"results": packed})
    sys.stdout.flush()
    os._exit(0)  # whatever threads and exit handlers the plug-in has left
