"""Owns how a screen is attached to a league: one that it starts, or one that runs elsewhere.

Promises: a league that was started with a screen stops as one without: Ctrl-C, SIGTERM and SIGHUP
that reach the screen's process are handed to the league, the second one ends it immediately, and
its exit code is that of the command. Only `q` leaves it running.
"""

from __future__ import annotations

import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from db import queries
from db.errors import DatabaseError
from league.daemon.detach import Launched, launch
from league.daemon.lock import status
from league.daemon.process import EXIT_KILLED, refuse_running
from league.errors import FolderError, LeagueError
from league.folder.connect import reading
from league.folder.layout import LeagueFolder
from league.report.state import short_map_name
from league.screen.frames import make_film
from league.screen.reading import ScreenReader
from league.screen.state import Look, Scene, ScreenState
from league.screen.theatre import N_FRAMES, SIDE, Projector, Recording, Theatre, scene_of

if TYPE_CHECKING:
    from league.config.tree import LeagueConfig
    from league.screen.host import Outcome

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_PROGRESS = re.compile(r"\d\d:\d\d:\d\d  ")  # of a line that says how far the league is
STOPPING = "matches are planned again, learners write checkpoints; once more: immediately"
KILLING = "immediately"


class Started:
    """A league that this process has started; its screen ends with it."""

    is_ours = True

    def __init__(self, launched: Launched) -> None:
        self._launched = launched
        self._n_asked = 0

    @property
    def pid(self) -> int:
        """Of the league's process."""
        return self._launched.process.pid

    def exit_code(self) -> int | None:
        """Return its exit code once it has ended, as a shell would give it."""
        self._launched.hear(0.0)
        code = self._launched.process.poll()
        return None if code is None else code if code >= 0 else EXIT_KILLED

    def wait(self) -> int:
        """Wait for its end; return its exit code as `exit_code` does."""
        self._launched.process.wait()
        return self.exit_code() or 0

    def stop(self) -> str:
        """Send it the signal to stop, which counts there: the second one ends it immediately."""
        self._n_asked += 1
        with suppress(ProcessLookupError):
            self._launched.process.send_signal(signal.SIGTERM)
        return STOPPING if self._n_asked == 1 else KILLING


class Elsewhere:
    """A league that runs without this process; its screen outlives it."""

    is_ours = False

    def __init__(self, folder: LeagueFolder) -> None:
        self._folder = folder

    def exit_code(self) -> int | None:
        """Return None: the screen goes on showing what there is."""
        return None

    def stop(self) -> str:
        """Send it the signal to stop."""
        try:
            found = status(self._folder.root)
            if found.pid is None:
                return "the league is not running, or not on this machine"
            os.kill(found.pid, signal.SIGTERM)
        except ProcessLookupError:
            return "the league has just ended"
        except (LeagueError, PermissionError) as error:
            return f"the league cannot be stopped from here: {error}"
        return STOPPING


def start_with_screen(
    folder: LeagueFolder,
    config: LeagueConfig,
    for_s: float | None,
    *,
    write_report: Callable[[], str] | None = None,
    say: Callable[[str], None],
) -> tuple[int, int | None]:
    """Start a league in the background, show it until it ends or is left; return its exit code.

    Args:
        say: prints a line, before and after the screen.

    Returns:
        The exit code, and the PID of a league that was left running, else None.

    Raises:
        LeagueError: it is already running, or ended before it played.
    """
    refuse_running(folder)
    with closing(launch(folder, config, for_s)) as launched:
        process = Started(launched)
        with _handing_on(process):
            outcome = show(folder, process, write_report=write_report)
        if outcome.has_left:
            return 0, process.pid
        if launched.told.get("state") == "failed" and outcome.exit_code != EXIT_KILLED:
            raise launched.error()
        for line in _last_words(launched.lines()):
            say(line)
    return outcome.exit_code, None


def _last_words(lines: list[str]) -> list[str]:
    """Return what the league said since its last line of progress, most of all how it stopped."""
    said: list[str] = []
    for line in lines:
        said = [] if _PROGRESS.match(line) else [*said, line]
    return said[-5:]


def _end_with(process: Started) -> None:
    """End this process with the league, at once: the terminal is gone.

    Textual would wait for ever for what it has written to be taken.
    """
    os._exit(process.wait())


@contextmanager
def _handing_on(process: Started) -> Iterator[None]:
    """Hand the signals that end a command on to the league while the screen is shown."""

    def hand_on(number: int, frame: object) -> None:
        process.stop()
        if number == signal.SIGHUP:
            threading.Thread(target=_end_with, args=(process,), daemon=True).start()

    before: dict[signal.Signals, Any] = {}
    for number in _SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            before[number] = signal.signal(number, hand_on)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def show(
    folder: LeagueFolder,
    process: Started | Elsewhere,
    *,
    write_report: Callable[[], str] | None = None,
    match_id: int | None = None,
) -> Outcome:
    """Show the screen of a league until it is left, or its process here has ended."""
    from league.screen.host import LeagueScreen
    from league.screen.host import Outcome as End

    with ExitStack() as stack:
        reader = stack.enter_context(ScreenReader(folder))
        projector = Projector(folder.root)
        stack.callback(projector.close)
        theatre = Theatre(projector, lambda match: recording_of(folder, match))
        name = folder.name
        app = LeagueScreen(
            lambda with_log: reader.read(with_log=with_log),
            process,
            theatre,
            ScreenState(name, datetime.now(UTC), "starting", "reading the league"),
            must_confirm=isinstance(process, Elsewhere),
            write_report=write_report,
            look=None if match_id is None else Look(enlarged=6, focus=6),
            match_id=match_id,
        )
        outcome = app.run()
        code = process.exit_code()
        if outcome is None:  # a bug of the screen, which has been shown, ends no league
            return End(has_left=code is None, exit_code=code or 0)
        return outcome


def recording_of(folder: LeagueFolder, match_id: int) -> Recording | None:
    """Return a match's recording; None if it keeps no replay, or cannot be looked up now."""
    try:
        with reading(folder) as session:
            match = queries.get_match(session, match_id)
        path = None if match.replay_path is None else folder.replay(match.replay_path)
    except (DatabaseError, LeagueError):
        return None
    if path is None or not path.is_file():
        return None
    return Recording(match_id, path, short_map_name(match.map), match.finished_at)


def moment_of(folder: LeagueFolder, match_id: int) -> Scene:
    """Return a moment from the middle of a match.

    Raises:
        FolderError: it keeps no replay.
        ReplayError, MapError, MatchError: it cannot be played back.
    """
    found = recording_of(folder, match_id)
    if found is None:
        raise FolderError(
            f"expected a match with a replay, found none of match {match_id}; `league watch` lists "
            "the latest ones"
        )
    film = make_film(found.path, folder.root, N_FRAMES, SIDE)
    return scene_of(film, found, len(film.ticks) // 2)


def can_show() -> bool:
    """Return whether this process has a terminal that a screen can be shown on."""
    has_terminal = all(
        stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)
    )
    if not has_terminal or os.environ.get("TERM", "dumb") in ("dumb", "unknown"):
        return False
    from importlib.util import find_spec

    return find_spec("textual") is not None
