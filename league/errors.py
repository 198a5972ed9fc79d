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


class ConfigError(LeagueError):
    """A setting that is unknown, out of range, contradicts another or is frozen."""


class FolderError(LeagueError):
    """A folder that is not, or cannot become, what a command needs."""


class PitError(LeagueError):
    """A head-to-head that cannot be set up, or whose matches cannot be played."""


class MemberError(LeagueError):
    """An agent that cannot join the pool, or a change that a member's status forbids."""


class UsageError(LeagueError):
    """A value on the command line that cannot be read."""


class BenchError(LeagueError):
    """A benchmark whose matches or processes failed."""
