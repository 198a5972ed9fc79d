"""What a worker process of a bridged arena does: plays matches in its own engine process.

Promises: a match that the engine refuses fails alone; when the engine's process dies or hangs, the
matches that it held fail, those that had ended are kept, and the next call starts a new process.
"""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from arena.agent import Agent, check_version
from arena.errors import AgentFault
from arena.lockstep import Lockstep
from arena.match import MatchFailure, MatchResult, MatchSpec, fault_of, load_spec_map, result_of
from arena.processes.jobs import JobError
from arena.territory.engine.actions import WAIT
from arena.territory.engine.rules import MAX_SEATS
from league.bridge.match import MIND_PREFIX, BridgedMatch
from league.bridge.process import EngineProcess
from league.errors import BridgeEngineError
from league.matches.worker import PlayContext, job_error
from league.matches.worker import setup as setup_agents

Outcome = MatchResult | JobError


@dataclass
class BridgeContext:
    """What a worker keeps between batches.

    Attributes:
        command: starts the engine's process.
        edition: of the engine.
        without: what its players cannot build, and "alliances".
        process: running, or None.
    """

    play: PlayContext
    command: tuple[str, ...]
    edition: str
    without: tuple[str, ...]
    process: EngineProcess | None = None

    def engine(self) -> EngineProcess:
        """Return the engine's process; start it unless it runs."""
        if self.process is None:
            self.process = EngineProcess(self.command)
        return self.process

    def drop(self) -> None:
        """End the engine's process."""
        if self.process is not None:
            self.process.close()
            self.process = None


def setup(settings: dict[str, Any]) -> BridgeContext:
    """Prepare a worker.

    Args:
        settings: those of league.matches.worker.setup, and "bridge": "command", "edition" and
            "without" of BridgeContext.
    """
    bridge = settings["bridge"]
    return BridgeContext(
        setup_agents({key: value for key, value in settings.items() if key != "bridge"}),
        tuple(bridge["command"]),
        str(bridge["edition"]),
        tuple(bridge.get("without", ())),
    )


def play(
    context: BridgeContext, specs: Sequence[MatchSpec], progress: Callable[[int], None]
) -> list[Outcome]:
    """Play a batch in lock-step in the original engine, each match in its own slot."""
    batch = _Batch(context, specs)
    batch.begin()
    ticks = 0
    while batch.live():
        ticks += batch.decide()
        progress(ticks)
    return batch.outcomes()


class _Batch:
    """Matches that are played together."""

    def __init__(self, context: BridgeContext, specs: Sequence[MatchSpec]) -> None:
        self._context, self._specs = context, specs
        self._lockstep = Lockstep(len(specs), specs[0].views)
        self._agents: dict[str, Agent] = {}
        self._blamed: tuple[str, ...] = ()  # whose code is being loaded
        self._found: dict[int, Outcome] = {}
        self._actions = np.full(len(specs) * MAX_SEATS, WAIT, np.int64)

    def begin(self) -> None:
        """Start every match that can be started; the others become errors."""
        for slot in range(len(self._specs)):
            with self._guarded(slot):
                self._lockstep.begin(slot, self._start(slot))

    def _start(self, slot: int) -> BridgedMatch:
        spec = self._specs[slot]
        agents = [self._agent(name) for name in spec.agents]
        return BridgedMatch(
            load_spec_map(spec, self._context.play.load_map),
            replace(spec.rules, crowd=""),
            spec.views,
            spec.seed,
            spec.rotation,
            agents,
            specs=spec.agents,
            process=self._context.engine(),
            slot=slot,
            without=self._context.without,
            edition=self._context.edition,
        )

    def _agent(self, name: str) -> Agent | None:
        if name.startswith(MIND_PREFIX):
            return None
        if name not in self._agents:
            self._blamed = (name,)
            agent = self._context.play.load_agent(name)
            check_version(agent, self._lockstep.views, name)
            self._agents[name] = agent
            self._blamed = ()
        return self._agents[name]

    def live(self) -> list[int]:
        """End the matches that are over; return the slots of the others."""
        running = []
        for slot, match in enumerate(self._lockstep.matches):
            if match is None:
                continue
            if not match.engine.is_over:
                running.append(slot)
                continue
            self._found[slot] = result_of(self._specs[slot], match)
            self._lockstep.end(slot)
            with self._guarded(slot):
                self._context.engine().ask({"op": "end", "slot": slot})
        return running

    def decide(self) -> int:
        """Play one decision of every match; return the ticks played."""
        self._lockstep.refresh()
        try:
            self._lockstep.ask_agents(self._actions)
        except AgentFault as fault:
            name = next(name for name, agent in self._agents.items() if agent is fault.agent)
            for slot in np.unique(fault.rows // MAX_SEATS).tolist():
                self._fail(slot, self._error(slot, fault, (name,), f"agent {name!r} failed: "))
            return 0
        ticks = 0
        for slot in range(len(self._specs)):
            if self._lockstep.matches[slot] is not None:
                with self._guarded(slot):
                    ticks += self._lockstep.advance(self._actions, [slot])
        return ticks

    @contextlib.contextmanager
    def _guarded(self, slot: int) -> Iterator[None]:
        """Turn what a match raises into its error, and a lost process into that of all of them."""
        try:
            yield
        except BridgeEngineError as error:
            self._context.drop()
            for each in range(len(self._specs)):
                self._fail(each, JobError(str(error), traceback.format_exc()))
        except (Exception, SystemExit) as error:
            blamed, self._blamed = self._blamed, ()
            if isinstance(error, AgentFault):
                blamed = tuple(n for n, agent in self._agents.items() if agent is error.agent)
            self._fail(slot, self._error(slot, error, blamed))

    def _error(
        self, slot: int, error: BaseException, blamed: tuple[str, ...], head: str = ""
    ) -> JobError:
        """Return the error that is being handled as that of a match, as our own arena tells it."""
        told = error.traceback if isinstance(error, AgentFault) else traceback.format_exc()
        spec = self._specs[slot]
        return job_error(MatchFailure(spec, f"{head}{error}", told, blamed, fault_of(error)))

    def _fail(self, slot: int, error: JobError) -> None:
        if self._lockstep.matches[slot] is not None:
            self._lockstep.end(slot)
            self._found[slot] = error
        self._found.setdefault(slot, error)

    def outcomes(self) -> list[Outcome]:
        """Return an outcome per spec, in order."""
        return [self._found[slot] for slot in range(len(self._specs))]
