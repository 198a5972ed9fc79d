"""Owns the errors that `arena` raises for what a user or a file can cause.

Everything derives from `ArenaError`, so a caller can turn the whole family into one sentence.
A message says what was expected, what was found, where, and what to do next.
"""

from __future__ import annotations


class ArenaError(Exception):
    """Base of all errors of the arena."""


class MapError(ArenaError):
    """A map cannot be loaded, generated, saved or named."""


class MatchError(ArenaError):
    """A match cannot be set up or played to its end as specified."""


class WorkerError(ArenaError):
    """The pool of worker processes was used or configured wrongly."""


class ArenaStopped(WorkerError):
    """The pool gave up because its workers kept dying; the message names their last words."""
