"""Owns the errors that `arena` raises for what a user or a file can cause.

All of them derive from `ArenaError`, so that a caller can turn any of them into one sentence.
A message says what was expected, what was found, where, and what to do next.
"""

from __future__ import annotations

from typing import Any


class ArenaError(Exception):
    """Base of all errors of the arena."""


class MapError(ArenaError):
    """A map cannot be loaded, generated, saved or named."""


class MatchError(ArenaError):
    """A match cannot be set up or played to its end as specified."""


class WorkerError(ArenaError):
    """The worker processes were used or configured wrongly."""


class ArenaStopped(WorkerError):
    """The workers kept exiting and are not restarted; the message says how the last one exited."""


class AgentFault(ArenaError):
    """An agent raised, or returned something that is not one action per row.

    Attributes:
        agent: the agent.
        rows: int64[n], the rows that it was asked for.
        traceback: of its exception, or "".
    """

    def __init__(self, message: str, agent: object, rows: Any, traceback: str) -> None:
        super().__init__(message)
        self.agent = agent
        self.rows = rows
        self.traceback = traceback


class ReplayError(ArenaError):
    """A replay cannot be read, or was recorded under other rules."""
