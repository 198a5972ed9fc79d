"""Errors raised by db: one base class, and one class per way that a caller can react."""


class DatabaseError(Exception):
    """Base of every error raised by db; the message says what to do next."""


class DatabaseBusyError(DatabaseError):
    """Another process held the writer lock for longer than the busy timeout; try again."""


class DatabaseUnreachableError(DatabaseError):
    """Server or disk does not answer, or the connection broke; the transaction was rolled back,
    or, if it broke during the commit, possibly not: wait, look, try again."""


class DatabaseHeldError(DatabaseError):
    """Another daemon, perhaps on another machine, holds the league in this database."""


class DatabaseFullError(DatabaseError):
    """The disk is full; the transaction was rolled back and nothing is damaged: wait, try again."""


class NetworkFileSystemError(DatabaseError):
    """The database file is on a network file system, where SQLite's WAL mode is not safe."""


class RevisionError(DatabaseError):
    """The schema of the database is not the one that this program needs."""


class NotFoundError(DatabaseError):
    """The requested member, match, learner or file does not exist."""


class ConflictError(DatabaseError):
    """A row to be written contradicts what is stored (a taken name, a missing rating)."""
