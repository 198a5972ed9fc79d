"""Owns which match is on the screen, and which of its moments: the client of league.screen.frames.

Promises: nothing here waits; a process that plays matches back is started with the first one that
is asked for, and ended with the screen. Films are asked for one at a time.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from arena.board_picture import seat_colours
from arena.import_path import import_variables
from league.screen.frames import Film
from league.screen.state import MatchLine, Scene, SceneSeat

N_FRAMES = 50  # of a match: about a minute at one picture a second
SIDE = 160  # pixels: more than any terminal shows
PAST = 12  # moments in the small curve of a seat

Answer = Film | str
"""A film, or why there is none."""


@dataclass(frozen=True)
class Recording:
    """A finished match and where its replay is; `map` is its short name."""

    match_id: int
    path: Path
    map: str = ""
    ended_at: datetime | None = None


class Projector:
    """The process that plays matches back; `ask` and `poll` never wait."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._process: subprocess.Popen[bytes] | None = None
        self._thread: threading.Thread | None = None
        self._answers: queue.SimpleQueue[Answer] = queue.SimpleQueue()

    def ask(self, path: Path) -> None:
        """Ask for the film of a replay; start the process if it does not run."""
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "league.screen.frames"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                env=os.environ | import_variables(),
            )
            films = self._process.stdout
            assert films is not None
            self._thread = threading.Thread(target=self._listen, args=(films,), daemon=True)
            self._thread.start()
        order = {
            "path": str(path),
            "root": str(self._root),
            "n_frames": N_FRAMES,
            "side": SIDE,
        }
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(order).encode() + b"\n")
            self._process.stdin.flush()
        except OSError:
            self._answers.put("the process that plays matches back has ended")

    def _listen(self, films: BinaryIO) -> None:
        """Take in answers until the pipe ends."""
        while True:
            head = films.read(8)
            packed = films.read(struct.unpack("<Q", head)[0]) if len(head) == 8 else b""
            if not packed:
                self._answers.put("the process that plays matches back has ended")
                return
            try:
                self._answers.put(Film.from_bytes(packed))
            except ValueError as error:
                self._answers.put(str(error))

    def poll(self) -> Answer | None:
        """Return the next answer, or None."""
        with contextlib.suppress(queue.Empty):
            return self._answers.get_nowait()
        return None

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        if self._thread is not None:
            self._thread.join()  # its pipe has ended
        for stream in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                if stream is not None:
                    stream.close()


class Theatre:
    """Shows one match after the other: the one that was asked for, else the newest.

    Args:
        projector: makes films.
        recording_of: returns a match's recording, or None if it keeps no replay.
    """

    def __init__(
        self, projector: Projector, recording_of: Callable[[int], Recording | None]
    ) -> None:
        self._projector, self._recording_of = projector, recording_of
        self._film: Film | None = None
        self._match: Recording | None = None
        self._asked: Recording | None = None
        self._next: int | None = None  # asked for while another was on its way
        self._frame = 0
        self._scene: tuple[Film, int, Scene] | None = None
        self.note = ""

    @property
    def match_id(self) -> int | None:
        """The match on screen."""
        return None if self._match is None else self._match.match_id

    @property
    def coming(self) -> int | None:
        """The match that was asked for last: on its way, or on screen."""
        if self._next is not None:
            return self._next
        return self.match_id if self._asked is None else self._asked.match_id

    @property
    def is_waiting(self) -> bool:
        """Whether a match is on its way."""
        return self._asked is not None

    @property
    def is_over(self) -> bool:
        """Whether the last moment is shown, or there is none."""
        return self._film is None or self._frame >= len(self._film.ticks) - 1

    def show(self, match_id: int) -> None:
        """Ask for a match; it replaces the present one once it is there.

        Of those that are asked for while another is on its way, the last one follows it.
        """
        if self._asked is not None:
            self._next = None if match_id == self._asked.match_id else match_id
            self.note = f"playing match {match_id} back"
            return
        if match_id == self.match_id:
            self._frame, self.note = 0, ""
            return
        found = self._recording_of(match_id)
        if found is None:
            self.note = f"match {match_id} keeps no replay"
            return
        self._asked = found
        self.note = f"playing match {match_id} back"
        self._projector.ask(found.path)

    def advance(self, n: int = 1) -> None:
        """Go on by `n` moments, backwards if negative."""
        if self._film is not None:
            self._frame = min(max(self._frame + n, 0), len(self._film.ticks) - 1)

    def scene(self) -> Scene | None:
        """Return the present moment, the same object until it is another; take in a film."""
        answer = self._projector.poll()
        if isinstance(answer, Film):
            self._film, self._match, self._frame = answer, self._asked, 0
            self._asked, self.note = None, ""
        elif answer is not None:
            self.note, self._asked = answer, None
        if answer is not None and self._next is not None:
            following, self._next = self._next, None
            self.show(following)
        if self._film is None or self._match is None:
            return None
        known = self._scene
        if known is None or known[0] is not self._film or known[1] != self._frame:
            scene = scene_of(self._film, self._match, self._frame)
            self._scene = known = (self._film, self._frame, scene)
        return known[2]


def other_match(matches: Sequence[MatchLine], present: int | None, by: int) -> int | None:
    """Return the match `by` places before the present one, by the time of their ends.

    Args:
        matches: the newest first; one that is not among them is older than all of them.
        by: how many matches earlier; later, if negative. The first and the last one are kept to.
    """
    ids = [row.id for row in matches if row.has_replay]
    if not ids:
        return None
    at = ids.index(present) if present in ids else len(ids)
    return ids[min(max(at + by, 0), len(ids) - 1)]


def scene_of(film: Film, match: Recording, frame: int) -> Scene:
    """Return a moment of a film."""
    tick = int(film.ticks[frame])
    colours = [(int(r), int(g), int(b)) for r, g, b in seat_colours(len(film.names))]
    marks = film.marks[frame] if film.marks else None
    traitors = marks.traitors(tick) if marks is not None else []
    seats = tuple(
        SceneSeat(
            seat=seat,
            name=name,
            colour=colours[seat],
            tiles=int(film.tiles[frame, seat]),
            past=tuple(map(float, film.tiles[max(0, frame - PAST + 1) : frame + 1, seat])),
            died_at=int(film.died[seat]) if 0 <= film.died[seat] <= tick else None,
            levels=int(marks.levels[seat]) if marks is not None else None,
            gold=int(marks.gold[seat]) if marks is not None else 0,
            allies=tuple(colours[ally] for ally in marks.allies_of(seat)) if marks else (),
            is_traitor=seat in traitors,
        )
        for seat, name in enumerate(film.names)
    )
    return Scene(
        match_id=match.match_id,
        map=match.map,
        tick=tick,
        ticks=int(film.ticks[-1]),
        frame=frame,
        n_frames=len(film.ticks),
        pixels=film.pixels[frame],
        seats=seats,
        ended_at=match.ended_at,
        size=film.size,
        marks=marks,
    )
