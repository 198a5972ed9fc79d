"""The league as a process: how it starts and stops, its signals and its log.

Promises: the first SIGTERM, SIGINT or SIGHUP stops the league within the grace period with
everything committed, and while it compiles as soon as the compiler lets Python run; the second one
immediately. A SIGHUP that is ignored when the league starts (`nohup`, `--detach`) stays ignored.
Trouble of the machine pauses the league (league.daemon.trouble) and stops it cleanly, exit code 75,
when it does not pass.
"""

from __future__ import annotations

import json
import logging
import logging.handlers
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from arena.import_path import import_variables, set_variables
from league.daemon.lock import (
    LeagueLock,
    add_to_note,
    hold_lock,
    is_locked,
    read_note,
    sign_path,
    status,
)
from league.daemon.say import say
from league.daemon.trouble import (
    EXIT_TROUBLE,
    PassedTrouble,
    Patience,
    Pauses,
    TroubleError,
    trouble_of,
)
from league.errors import LeagueError
from league.folder.layout import LeagueFolder
from league.plain_text import visible

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from league.config.tree import LeagueConfig

log = logging.getLogger(__name__)

GRACE_S = 20.0
START_LIMIT_S = 300.0  # the first start on a machine compiles
EXIT_KILLED = 130


def stop(root: Path, grace_s: float) -> int:
    """Stop a running league; return the exit code of `league stop`.

    Raises:
        LeagueError: it is running, and its process cannot be told or belongs to somebody else.
    """
    folder = LeagueFolder.at(root)
    found = status(root)
    if found.state == "stopped":
        say(f"{folder.root}: the league is not running")
        return 0
    if found.pid is None:
        raise LeagueError(
            f"{folder.root}: the league is running, but which process it is cannot be told from "
            f"here; `fuser -v {folder.lock}` on its machine names it, `kill PID` stops it"
        )
    was_starting = not read_note(folder).get("turning")
    _send(folder, found.pid, signal.SIGTERM)
    ends = time.monotonic() + grace_s
    while is_locked(folder) and time.monotonic() < ends:
        time.sleep(0.1)
    if is_locked(folder) and status(root).pid == found.pid:
        _send(folder, found.pid, signal.SIGKILL)
        while is_locked(folder):
            time.sleep(0.05)
        say(f"the league did not stop within {grace_s:g} s and was killed")
        return 1
    when = " while it was starting" if was_starting else ""
    say(f"stopped{when}, PID {found.pid}")
    return 0


def _send(folder: LeagueFolder, pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass  # it has just exited
    except PermissionError as error:
        raise LeagueError(
            f"{folder.root}: the league is process {pid} of another user; run `league stop` as "
            "that user"
        ) from error


class StoppedEarly(BaseException):
    """The first signal came while the league was starting and had nothing to commit."""


class StopSignals:
    """Counts the signals to stop inside a `with` block; the second one raises KeyboardInterrupt.

    Attributes:
        n: number of signals so far.
    """

    def __init__(self) -> None:
        self.n = 0
        self._raises = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> StopSignals:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number == signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN:
                continue  # nohup, or detached: to go on is what was asked for
            self._before[number] = signal.signal(number, self._count)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextmanager
    def raising(self) -> Iterator[None]:
        """Raise StoppedEarly inside this block when the first signal comes, or has come.

        For long work that nothing is lost with, such as compiling.
        """
        self._raises = True
        try:
            if self.n:
                raise StoppedEarly
            yield
        finally:
            self._raises = False

    def _count(self, number: int, frame: object) -> None:
        self.n += 1
        if self.n == 2:  # a third one must not interrupt the killing
            raise KeyboardInterrupt
        if self.n == 1 and self._raises:
            raise StoppedEarly


class _PlainFormatter(logging.Formatter):
    """Shows control characters as escapes: names and tracebacks are foreign, logs are read raw."""

    def format(self, record: logging.LogRecord) -> str:
        return visible(super().format(record), keep="\n\t")


def _log_to_file(folder: LeagueFolder) -> None:
    handler = logging.handlers.RotatingFileHandler(
        folder.logs / "league.log", maxBytes=10_000_000, backupCount=3
    )
    handler.setFormatter(_PlainFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.raiseExceptions = False  # a full disk: the handler would print a traceback per record
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    for noisy in ("alembic", "numba", "matplotlib"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def start(root: Path, config: LeagueConfig, *, for_s: float | None, detach: bool) -> int:
    """Run the league in `root`; return the exit code.

    Args:
        for_s: seconds after which the running league stops; None for never.
        detach: run in the background and return as soon as the league is running.

    Raises:
        LeagueError: it is already running, or cannot be started.
    """
    folder = LeagueFolder.at(root)
    if is_locked(folder):
        with hold_lock(folder):  # raises; the message names the process that holds it
            pass
    if detach:
        return _detach(folder, config, for_s)
    with StopSignals() as signals, hold_lock(folder) as lock:
        _log_to_file(folder)
        return _run(folder, config, for_s, signals, lock)


def _detach(folder: LeagueFolder, config: LeagueConfig, for_s: float | None) -> int:
    """Start this program again in its own session, and wait until the league is running."""
    variables = import_variables()
    order = json.dumps(
        {
            "config": config.to_json(),
            "for_s": for_s,
            "environment": {name: os.environ.get(name) for name in variables},
        }
    )
    with (folder.logs / "daemon.out").open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "league.daemon.process", str(folder.root)],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            start_new_session=True,
            env=os.environ | variables,
        )
        assert process.stdin is not None
        process.stdin.write(order.encode())
        process.stdin.close()
    ends = time.monotonic() + START_LIMIT_S
    while time.monotonic() < ends and process.poll() is None:
        note = read_note(folder) if is_locked(folder) else {}
        if note.get("pid") == process.pid and note.get("turning"):
            sys.stdout.write(f"{process.pid}\n")
            return 0
        time.sleep(0.1)
    raise LeagueError(
        f"{folder.root}: the league did not start in the background; see "
        f"{folder.logs / 'daemon.out'}"
    )


def _run(
    folder: LeagueFolder,
    config: LeagueConfig,
    for_s: float | None,
    signals: StopSignals,
    lock: LeagueLock,
) -> int:
    """Migrate the database, make the manager, and run it until it is told to stop."""
    from db.hold import DatabaseHold
    from db.session import open_writer
    from league.daemon.guard import Guard

    with suppress(OSError):  # a full disk pauses the league and does not prevent it
        sign_path(folder).touch()
    say(f"league in {folder.root}: starting (Ctrl-C stops it)")
    engine = open_writer(folder.database())
    hold = None
    try:
        hold = DatabaseHold(engine)  # before the migration
        _migrate(folder, engine)
        with signals.raising():
            _compile()
            from league.daemon.manager import Manager

        ends = None if for_s is None else time.monotonic() + for_s
        patience = Patience(config.database.patience_s)
        guard = Guard(lock, hold, engine)
        return run_manager(
            folder,
            lambda: Manager(folder, config, engine, ends=ends),
            signals,
            ends,
            patience,
            guard.check,
        )
    except StoppedEarly:
        say("stopped while it was starting: nothing had begun")
        return 0
    except KeyboardInterrupt:
        say("stopped immediately")
        return EXIT_KILLED
    finally:
        if hold is not None:
            hold.close()
        engine.dispose()


def _compile() -> None:
    """Import and compile game and ratings; half a minute on a machine that has not done it yet."""
    from arena.territory.engine.compiled import is_compiled
    from arena.territory.observation.warm_up import warm_up
    from league.rating import compiled, engines

    if not is_compiled():
        say("compiling the game, only once on this machine (about half a minute)")
    warm_up()
    if not compiled.is_compiled():
        say("compiling the ratings, only once on this machine (some seconds)")
    engines.warm_up()  # the first result would wait for it


class Runnable(Protocol):
    """What the daemon needs of the manager."""

    def turn(self) -> None:
        """Do one round of work, which takes about a second at most."""

    def listen(self, timeout_s: float) -> None:
        """Take in what workers and learners send, without writing anything."""

    def trouble_passed(self, passed: PassedTrouble) -> None:
        """Write into the journal that trouble of the machine is over."""

    def close(self, grace_s: float) -> None:
        """Stop everything within `grace_s`, with everything committed; then raise what failed."""

    def kill(self) -> None:
        """Kill all processes immediately."""


def run_manager(
    folder: LeagueFolder,
    make_manager: Callable[[], Runnable],
    signals: StopSignals,
    ends: float | None,
    patience: Patience,
    check: Callable[[], None],
) -> int:
    """Run a manager until a signal comes or the time is up; return the exit code.

    The first signal closes it within the grace period; a second one, whenever it comes, kills its
    processes. So does any error, which is raised again. Trouble of the machine that lasts closes it
    like a signal, with the exit code EXIT_TROUBLE.

    Args:
        ends: monotonic time at which to stop, or None.
        check: raises when this process no longer holds the league; called before every round.
    """
    manager = None
    try:
        manager = make_manager()
        unpassed = _run_until_stopped(folder, manager, signals, ends, patience, check)
        return _close(manager, unpassed)
    except KeyboardInterrupt:
        say("stopped immediately")
        if manager is not None:
            manager.kill()
        return EXIT_KILLED
    except Exception:
        log.exception("the league stops")
        if manager is not None:
            manager.kill()
        raise


def _close(manager: Runnable, unpassed: TroubleError | None) -> int:
    """Close the manager; return the exit code, 0 only if everything is committed."""
    if unpassed is not None:
        log.error("the league stops: %s", unpassed)
        say(str(unpassed))
    say("stopping: unfinished matches are planned again, learners write checkpoints")
    try:
        manager.close(GRACE_S)
    except Exception as error:
        trouble = trouble_of(error)
        if trouble is None:
            raise
        log.error("stopped without the last commit: %s", trouble)
        say(
            f"stopped, but the last commit failed: {trouble}; the next `league start` plays the "
            "unfinished matches again"
        )
        return EXIT_TROUBLE
    say("stopped, everything is committed")
    return 0 if unpassed is None else EXIT_TROUBLE


def _migrate(folder: LeagueFolder, engine: Engine) -> None:
    """Back the database up and migrate it, if it is not of this program's revision."""
    from db.migrate import current_revision, head_revision, upgrade
    from db.session import backup

    found = current_revision(engine)
    if found not in (None, head_revision()) and engine.dialect.name == "sqlite":
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
        backup(engine, folder.backups / f"before-migration-{stamp}.db")
    upgrade(engine)


def _run_until_stopped(
    folder: LeagueFolder,
    manager: Runnable,
    signals: StopSignals,
    ends: float | None,
    patience: Patience,
    check: Callable[[], None],
) -> TroubleError | None:
    """Let the manager work; return the trouble that did not pass, None if it was told to stop."""
    from league.daemon.screen import ProgressScreen

    def must_stop() -> bool:
        return signals.n > 0 or (ends is not None and time.monotonic() >= ends)

    with suppress(OSError):  # the lock file may have been removed: the check makes it again
        add_to_note(folder, turning=True)
    with ProgressScreen(folder, ends) as screen:
        pauses = Pauses(
            manager,
            patience,
            say=screen.say,
            show=lambda text: add_to_note(folder, paused=text),
            must_stop=must_stop,
            sign=sign_path(folder).touch,
        )
        while not must_stop():
            try:
                check()
                manager.turn()
                pauses.end()
                sign_path(folder).touch()
            except Exception as error:
                try:
                    pauses.wait(error)
                except TroubleError as unpassed:
                    return unpassed
                continue
            screen.refresh()
    return None


def _main() -> int:
    """Run the detached process: folder on the command line, order on standard input."""
    from league.config.tree import LeagueConfig

    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    order = json.loads(sys.stdin.read())
    set_variables(order["environment"])
    root = Path(sys.argv[1])
    return start(root, LeagueConfig.from_json(order["config"]), for_s=order["for_s"], detach=False)


if __name__ == "__main__":
    sys.exit(_main())
