"""Errors of the league package that a user or a file can cause, each with its exit code.

The command line prints such an error as one line on stderr and exits with its `exit_code`;
anything else is a bug and keeps its traceback.
"""

import errno
from typing import Any


class LeagueError(Exception):
    """Base class of the errors that a user can do something about."""

    exit_code = 2


class RatingError(LeagueError):
    """A rating log or line-up that cannot be rated."""


class MatchmakingError(LeagueError):
    """A pool from which no line-up or opponent can be drawn."""


class StatisticsError(LeagueError):
    """Head-to-head results or settings from which nothing can be computed."""


class ConfigError(LeagueError):
    """A setting that is unknown, out of range, contradicts another or is frozen."""


class FolderError(LeagueError):
    """A folder or file that a command needs and cannot use, read or write."""


class StoreError(LeagueError):
    """A store (`store.url`) that cannot be used as it is set up, or that is another league's."""


class StoreCorruptError(StoreError):
    """A file of the store whose bytes do not have the hash in its name."""


class StoreMissingError(StoreError):
    """A file that the store does not hold."""


class StoreAwayError(StoreError, OSError):
    """A store that does not answer, or refuses access: trouble of the machine, which may pass."""

    exit_code = 75  # "temporary failure" of sysexits.h, as trouble of the machine has it

    def __init__(self, message: str) -> None:
        OSError.__init__(self, errno.ETIMEDOUT, message)
        self.message = message

    def __reduce__(self) -> tuple[Any, ...]:
        return (StoreAwayError, (self.message,))

    def __str__(self) -> str:
        return self.message


class PitError(LeagueError):
    """A head-to-head comparison that cannot be set up, or whose matches cannot be played."""


class PitInterrupted(PitError):
    """A head-to-head that was interrupted before there was anything to report."""

    exit_code = 130


class MatchesFailedError(PitError):
    """Matches that failed again and again although no agent is to blame."""

    exit_code = 70  # "internal software error" of sysexits.h: what was asked was right


class CompareError(LeagueError):
    """Leagues whose families cannot be compared."""


class ExploitError(LeagueError):
    """A best response that cannot be trained."""


class ChampionError(LeagueError):
    """A member that cannot be champion, or a champion that cannot be taken back."""


class InterruptedTraining(LeagueError):
    """Training that was stopped before its end; the same command goes on."""

    exit_code = 130

    def __init__(self, message: str, exit_code: int = 130) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class MemberError(LeagueError):
    """An agent that cannot join the pool, or a change that a member's status does not allow."""


class ResultsError(LeagueError):
    """A file of results that cannot be read or written, or does not hold what it must."""


class BridgeError(LeagueError):
    """The original engine cannot be played in: its checkout, its packages, Node or the request."""


class BridgeEngineError(BridgeError):
    """The original engine's process ended, hung, or answered what was not asked."""

    exit_code = 70  # "internal software error" of sysexits.h: what was asked was right


class UsageError(LeagueError):
    """A value on the command line that cannot be read."""


class PackageError(LeagueError):
    """An optional package that is needed and not installed."""


class BenchError(LeagueError):
    """A benchmark or audit whose matches or processes failed."""
