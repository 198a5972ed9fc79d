"""Check that a plug-in keeps the agent contract; its author runs this before it joins a league.

    from agents.check import check_agent
    check_agent("mypackage.bots:make_bot")

plays two short matches on a small generated map and raises AgentError with one sentence about the
first rule that the agent breaks. The plug-in runs in a child process (agents.check_child): it may
hang, exit or crash there, and does nothing to the caller but cost time, which is limited.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import IO, Any

from agents.errors import AgentError
from agents.registry import load_plugin, make_loader
from arena.agent import LoadAgent
from arena.foreign import parse_json
from arena.match import MatchFailure, MatchResult, MatchSpec, play_matches
from arena.territory.engine.rules import MatchRules
from arena.territory.maps import load_map

_MAP = "generated:continents:64x64:1"

LIMIT_S = 60.0
"""For importing a plug-in and two matches: a worker's lease. A scripted agent takes a second."""

_COMPILE_LIMIT_S = 600.0  # before the plug-in is touched: the first use of the game on a machine
_CODE = (
    "import json, sys; order = json.load(sys.stdin); sys.path[:] = order['path']; "
    "from agents.check_child import main; main(order)"
)


def check_agent(
    name: str, *, max_ticks: int = 300, limit_s: float = LIMIT_S, edition: str = "2025"
) -> list[MatchResult]:
    """Play the plug-in against scripted agents and against itself, and check every answer.

    Checks that it loads, that it answers every batch with one integer action per row, that it never
    chooses an illegal action during a match, and that a match ends the same whether it is played
    alone or batched with another one (it does if the agent draws its chance from `rng` or
    `batch.noise`).

    Args:
        name: `module:factory` or `file.py:factory`.
        max_ticks: length of the matches.
        limit_s: seconds for loading and all matches together; compiling the game does not count.
        edition: of the matches; 2026 has 71 actions and more facts (arena/agent.py).

    Returns:
        The results of the two matches.

    Raises:
        AgentError: the agent breaks a rule, ends the process, or takes too long; the message says
            which.
    """
    ours, childs = os.pipe()
    with tempfile.TemporaryFile() as output, Connection(ours, writable=False) as link:
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", _CODE],  # -P: nothing of the current folder is imported
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            pass_fds=(childs,),
            start_new_session=True,  # so that what the plug-in starts ends with it
        )
        os.close(childs)
        try:
            order = {
                "path": sys.path,
                "name": name,
                "max_ticks": max_ticks,
                "edition": edition,
                "descriptor": childs,
            }
            assert process.stdin is not None
            with suppress(BrokenPipeError), process.stdin as stream:
                stream.write(json.dumps(order).encode())
            return _outcome(name, process, link, output, limit_s)
        finally:
            _end(process)


def _outcome(
    name: str,
    process: subprocess.Popen[bytes],
    link: Connection,
    output: IO[bytes],
    limit_s: float,
) -> list[MatchResult]:
    stage = "started"
    deadline = time.monotonic() + _COMPILE_LIMIT_S
    while True:
        if not link.poll(max(deadline - time.monotonic(), 0.0)):
            raise AgentError(
                f"plug-in {name!r} did not answer: it was still {stage} after {limit_s:g} s and "
                "was stopped; it must load and play two short matches in that time"
            )
        try:
            message = parse_json(link.recv_bytes())
        except (EOFError, OSError):
            raise AgentError(_how_it_ended(name, stage, process, output)) from None
        if "error" in message:
            error = AgentError(message["error"])
            for note in message["notes"]:
                error.add_note(note)
            raise error
        if "results" in message:
            return [_result(values) for values in message["results"]]
        if message["stage"] == "started":
            deadline = time.monotonic() + limit_s
        stage = message["stage"]


def _how_it_ended(
    name: str, stage: str, process: subprocess.Popen[bytes], output: IO[bytes]
) -> str:
    code = process.wait()
    how = f"exit code {code}" if code >= 0 else signal.Signals(-code).name
    output.seek(max(output.seek(0, os.SEEK_END) - 4096, 0))
    lines = output.read().decode(errors="replace").strip().splitlines()
    said = f"; its last line: {lines[-1][:200]}" if lines else ""
    return f"plug-in {name!r} ended its process ({how}) while it was {stage}{said}"


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _result(values: dict[str, Any]) -> MatchResult:
    lists = ("placements", "tiles", "troops", "eliminated_tick", "n_illegal")
    return MatchResult(
        **{
            **values,
            **{key: tuple(values[key]) for key in lists},
            "spec": MatchSpec.from_json(values["spec"]),
            "actions": bytes.fromhex(values["actions"]),
        }
    )


def try_agent(
    name: str,
    max_ticks: int,
    tell: Callable[[str], None] = lambda stage: None,
    edition: str = "2025",
) -> list[MatchResult]:
    """Do in this process what `check_agent` does in a child.

    Args:
        tell: called with what is being done, before it is.

    Raises:
        AgentError: as `check_agent`; an agent that never answers is waited for.
    """
    tell("loading")
    load_plugin(name)
    load = make_loader()
    spec = f"plugin:{name}"
    rules = MatchRules(max_ticks=max_ticks, edition=edition)
    mixed = (spec, "scripted:tribe", "scripted:random", "scripted:expander", "scripted:idle") * 2
    specs = [
        MatchSpec(1, _MAP, mixed, rules),
        MatchSpec(2, _MAP, (spec,) * 10, rules),
    ]
    tell("playing")
    together = _play(specs, load)
    alone = _play(specs[:1], load)
    for result in together:
        n_decisions = -(-result.ticks // rules.ticks_per_decision)
        illegal = sum(
            n
            for n, agent in zip(result.n_illegal, result.spec.agents, strict=True)
            if agent == spec
        )
        if illegal:
            raise AgentError(
                f"{name} chose {illegal} illegal actions in a match of {n_decisions} decisions; "
                "choose only actions that batch.action_mask allows"
            )
    if alone[0].final_state_sha256 != together[0].final_state_sha256:
        raise AgentError(
            f"{name} played the same match differently alone and batched with another match; draw "
            "random numbers from rng or batch.noise and from nowhere else, and index memory by "
            "batch.rows"
        )
    return together


def _play(specs: list[MatchSpec], load: LoadAgent) -> list[MatchResult]:
    results: list[MatchResult] = []
    for outcome in play_matches(specs, load, load_map):
        if isinstance(outcome, MatchFailure):
            error = AgentError(f"{outcome.error}{_place(outcome.traceback)}")
            if outcome.traceback:
                error.add_note(outcome.traceback)
            raise error
        results.append(outcome)
    return results


def _place(text: str) -> str:
    """Return where an exception was raised, from its traceback."""
    places = re.findall(r'File "([^"]+)", line (\d+)', text)
    return f" ({Path(places[-1][0]).name}, line {places[-1][1]})" if places else ""
