"""The errors of the db package: one base class, one class per thing a caller can do about it."""


class DatabaseError(Exception):
    """Base of everything that the league database can refuse; the message says what to do next."""


class DatabaseBusyError(DatabaseError):
    """Another process held the writer lock for longer than the busy timeout; trying again helps."""


class DatabaseFullError(DatabaseError):
    """The disk is full; the transaction was rolled back and nothing damaged: pause, try again."""


class NetworkFileSystemError(DatabaseError):
    """The database file lies on a network file system, where SQLite's WAL mode is not safe."""


class RevisionError(DatabaseError):
    """The schema of the database and this program do not belong together."""


class NotFoundError(DatabaseError):
    """A member, match or learner that was asked for is not in the database."""


class ConflictError(DatabaseError):
    """What should be written contradicts what is stored (a taken name, a missing rating)."""
