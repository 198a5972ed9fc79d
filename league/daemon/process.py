"""The league as a process: how it starts and stops, its signals and its log.

Promises: the first SIGTERM, SIGINT or SIGHUP stops the league within the grace period with
everything committed, and while it compiles as soon as the compiler lets Python run; the second one
immediately. A SIGHUP that is ignored when the league starts (`nohup`, `--detach`) stays ignored.
Trouble of the machine pauses the league (league.daemon.trouble) and stops it cleanly, exit code 75,
when it does not pass.
"""

from __future__ import annotations

import logging
import logging.handlers
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from league.daemon.detach import Herald, start_detached
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
from league.daemon.signals import StoppedEarly, StopSignals
from league.daemon.stage import compiling, note_stage
from league.daemon.starting import start_pauses
from league.daemon.trouble import (
    EXIT_TROUBLE,
    PassedTrouble,
    Patience,
    Pauses,
    Trouble,
    TroubleError,
    explain,
    note_pause,
    trouble_of,
)
from league.errors import LeagueError
from league.folder.layout import LeagueFolder
from league.plain_text import visible, without_passwords

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from league.config.tree import LeagueConfig

log = logging.getLogger(__name__)

GRACE_S = 20.0
BUSY_S = 2.0  # how long one attempt to write may wait for a lock: a stop has to be heard meanwhile
EXIT_KILLED = 130


def stop(root: Path, grace_s: float, tell: Callable[[str], None] = say) -> int:
    """Stop a running league, tell how it went, and return the exit code of `league stop`.

    Raises:
        LeagueError: it is running, and its process cannot be told or belongs to somebody else.
    """
    folder = LeagueFolder.at(root)
    found = status(root)
    if found.state == "stopped":
        tell(f"{folder.root}: the league is not running")
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
        tell(f"the league did not stop within {grace_s:g} s and was killed")
        return 1
    when = " while it was starting" if was_starting else ""
    tell(f"stopped{when}, PID {found.pid}")
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


class _PlainFormatter(logging.Formatter):
    """Shows control characters as escapes, and no password: names and tracebacks are foreign."""

    def format(self, record: logging.LogRecord) -> str:
        return visible(without_passwords(super().format(record)), keep="\n\t")


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


def start(
    root: Path,
    config: LeagueConfig,
    *,
    for_s: float | None,
    detach: bool,
    herald: Herald | None = None,
) -> int:
    """Run the league in `root`; return the exit code.

    Args:
        for_s: seconds after which the running league stops; None for never.
        detach: run in the background and return once it plays (league.daemon.detach).
        herald: told when the league plays or pauses; None tells nobody.

    Raises:
        LeagueError: it is already running, or cannot be started.
    """
    folder = LeagueFolder.at(root)
    refuse_running(folder)
    if detach:
        return start_detached(folder, config, for_s)
    with StopSignals() as signals, hold_lock(folder) as lock:
        _log_to_file(folder)
        return _run(folder, config, for_s, signals, lock, herald or Herald())


def refuse_running(folder: LeagueFolder) -> None:
    """Raise LeagueError if the league is already running; the message names its process."""
    if is_locked(folder):
        with hold_lock(folder):
            pass


def _run(
    folder: LeagueFolder,
    config: LeagueConfig,
    for_s: float | None,
    signals: StopSignals,
    lock: LeagueLock,
    herald: Herald,
) -> int:
    """Migrate the database, make the manager, and run it until it is told to stop."""
    from db.hold import DatabaseHold
    from db.session import open_writer
    from league.daemon.guard import Guard
    from league.daemon.usage import UsageMeter, UsageWatch

    with suppress(OSError):  # a full disk pauses the league and does not prevent it
        sign_path(folder).touch()
    say(f"league in {folder.root}: starting (Ctrl-C stops it)")
    note_stage(folder, "opening the database")
    engine = open_writer(folder.database(), busy_s=BUSY_S)
    hold = None
    wait = start_pauses(folder, config.database.patience_s, signals, herald)
    try:
        hold = taken = wait(lambda: DatabaseHold(engine))  # before the migration
        wait(lambda: _migrate(folder, engine))
        wait(taken.claim)
        with signals.raising():
            _compile(folder, config.rules.edition)
            note_stage(folder, "loading the league")
            from league.daemon.manager import Manager

        ends = None if for_s is None else time.monotonic() + for_s
        patience = Patience(config.database.patience_s)
        guard = Guard(lock, hold, engine)
        with UsageWatch(UsageMeter(folder.root).measure) as usage:

            def make_manager() -> Manager:
                return Manager(folder, config, engine, ends=ends, usage=lambda: usage.latest)

            return run_manager(
                folder, lambda: wait(make_manager), signals, ends, patience, guard.check, herald
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


def _compile(folder: LeagueFolder, edition: str) -> None:
    """Import and compile game and ratings; half a minute to two where that was never done."""
    note_stage(folder, "loading the game")
    from arena.territory.engine.compiled import cache_folder, is_compiled
    from arena.territory.observation.warm_up import warm_up
    from league.rating import compiled, engines

    if is_compiled(edition):
        warm_up(edition)
    else:
        needs = "about half a minute" if edition == "2025" else "about two minutes"
        say(f"compiling the game, only once on this machine ({needs})")
        with compiling(folder, cache_folder().parent):
            warm_up(edition)
    if not compiled.is_compiled():
        say("compiling the ratings, only once on this machine (some seconds)")
        note_stage(folder, "compiling the ratings, only once on this machine")
    engines.warm_up()  # the first result would wait for it


class Runnable(Protocol):
    """What the daemon needs of the manager."""

    @property
    def is_ready(self) -> bool:
        """Whether the league plays: a worker is set up, or was."""

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
    herald: Herald | None = None,
) -> int:
    """Run a manager until a signal comes or the time is up; return the exit code.

    The first signal closes it within the grace period; a second one, whenever it comes, kills its
    processes. So does any error, which is raised again. Trouble of the machine that lasts closes it
    like a signal, with the exit code EXIT_TROUBLE.

    Args:
        ends: monotonic time at which to stop, or None.
        check: raises when this process no longer holds the league; called before every round.
        herald: told when the league plays or pauses.
    """
    manager = None
    try:
        manager = make_manager()
        herald = herald or Herald()
        unpassed = _run_until_stopped(folder, manager, signals, ends, patience, check, herald)
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
    herald: Herald,
) -> TroubleError | None:
    """Let the manager work; return the trouble that did not pass, None if it was told to stop."""
    from league.daemon.screen import ProgressLines

    def must_stop() -> bool:
        return signals.n > 0 or (ends is not None and time.monotonic() >= ends)

    def show(trouble: Trouble | None) -> None:
        note_pause(folder, trouble)
        if trouble is not None:
            herald.tell("paused", f"{trouble}{explain(folder, trouble)}")

    with suppress(OSError):  # the lock file may have been removed: the check makes it again
        add_to_note(folder, turning=True)
    note_stage(folder, "workers and learners load")
    is_ready = False
    with ProgressLines(folder, ends) as lines:
        pauses = Pauses(
            manager,
            patience,
            say=lines.say,
            show=show,
            must_stop=must_stop,
            sign=sign_path(folder).touch,
            explain=lambda trouble: explain(folder, trouble),
        )
        while not must_stop():
            try:
                check()
                manager.turn()
                pauses.end()
                if manager.is_ready and not is_ready:
                    is_ready = True
                    herald.tell("ready")
                    note_stage(folder, None)
                sign_path(folder).touch()
            except Exception as error:
                try:
                    pauses.wait(error)
                except TroubleError as unpassed:
                    return unpassed
                continue
            lines.refresh()
    return None
