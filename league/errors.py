"""The errors of the league floor: what a user or a file can cause, with its exit code.

The command line prints such an error as one line on stderr and leaves with its `exit_code`;
anything else is a bug and keeps its traceback.
"""


class LeagueError(Exception):
    """Base of the errors that a user can do something about."""

    exit_code = 2


class RatingError(LeagueError):
    """A rating log or line-up that cannot be rated."""


class MatchmakingError(LeagueError):
    """A pool from which no line-up or opponent can be drawn."""


class StatisticsError(LeagueError):
    """Head-to-head results or settings that have no meaning."""
