"""Errors of the learner: what a setting, a file or the machine can cause."""

from __future__ import annotations

from league.errors import LeagueError


class LearnerError(LeagueError):
    """Training cannot go on; the message says why and which setting or file to change."""


class CheckpointError(LearnerError):
    """A checkpoint that belongs to another learner, or a folder without a usable one."""


class RanksLostError(LearnerError):
    """Another rank of the learner is gone; the group begins again from its checkpoint."""
