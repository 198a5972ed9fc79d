"""Owns `league replay show` on a terminal: Textual hosts the player, which has keys."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar

import numpy as np
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.events import Resize
from textual.timer import Timer
from textual.widgets import Static

from arena.viewer.film import Film, Reel
from league.viewer.found import FoundMatch
from league.viewer.player import Look, render, speeds, usual_speed

_PICTURES_PER_S = 12  # at most; a frame that is the same is not drawn again


class Player(App[None]):
    """Plays a film until `q`."""

    ENABLE_COMMAND_PALETTE = False
    CSS = "Screen { background: ansi_default; } Static { width: 100%; height: 100%; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "pause"),
        Binding("left", "step(-1)"),
        Binding("right", "step(1)"),
        Binding("home", "go(0)"),
        Binding("end", "go(-1)"),
        Binding("f", "follow(1)"),
        Binding("F", "follow(-1)"),
        Binding("escape", "follow(0)"),
        Binding("s", "faster(1)"),
        Binding("S", "faster(-1)"),
        Binding("q", "quit"),
    ]

    def __init__(
        self,
        film: Film,
        found: FoundMatch,
        follow: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make a player; `clock` returns seconds."""
        super().__init__(ansi_color=True)
        self.film, self.found = film, found
        self.look = Look(speed=usual_speed(film), follow=follow)
        self._reel = Reel(film)
        self._clock = clock
        self._tick, self._since = 0.0, clock()
        self._timer: Timer | None = None

    def compose(self) -> ComposeResult:
        """Make the one widget."""
        yield Static(id="film")

    def on_mount(self) -> None:
        """Start to play."""
        self._timer = self.set_interval(1 / _PICTURES_PER_S, self._on)
        self._draw()

    def on_resize(self, event: Resize) -> None:
        """Draw for the new size."""
        self._draw()

    def _on(self) -> None:
        now = self._clock()
        passed, self._since = now - self._since, now
        if not self.look.is_playing:
            return
        self._tick = min(self._tick + 10 * self.look.speed * passed, float(self.film.ticks[-1]))
        frame = int(np.searchsorted(self.film.ticks, self._tick, side="right")) - 1
        is_over = frame == len(self.film) - 1
        if frame != self.look.frame or is_over:
            self._show(replace(self.look, frame=frame, is_playing=not is_over))

    def _show(self, look: Look) -> None:
        self.look = look
        self._draw()

    def _draw(self) -> None:
        size = self.size
        if size.width > 0 and size.height > 0:
            page = render(self.film, self._reel, self.found, self.look, size.width, size.height)
            self.query_one("#film", Static).update(page)

    def action_pause(self) -> None:
        """Pause, go on, or play again from the start."""
        is_over = self.look.frame == len(self.film) - 1
        if is_over and not self.look.is_playing:
            self._tick = 0.0
        frame = 0 if self._tick == 0.0 else self.look.frame
        self._show(replace(self.look, frame=frame, is_playing=not self.look.is_playing))

    def action_step(self, by: int) -> None:
        """Go one decision on or back, and pause."""
        self.action_go(min(max(self.look.frame + by, 0), len(self.film) - 1))

    def action_go(self, frame: int) -> None:
        """Go to a frame, -1 for the last, and pause."""
        at = frame % len(self.film)
        self._tick = float(self.film.ticks[at])
        self._show(replace(self.look, frame=at, is_playing=False))

    def action_follow(self, by: int) -> None:
        """Follow the next seat in the order of land, or nobody."""
        tiles = self.film.tiles[self.look.frame]
        order = sorted(range(self.film.n_seats), key=lambda seat: (-int(tiles[seat]), seat))
        if by == 0:
            seat = None
        elif self.look.follow is None:
            seat = order[0 if by > 0 else -1]
        else:
            seat = order[(order.index(self.look.follow) + by) % len(order)]
        self._show(replace(self.look, follow=seat))

    def action_faster(self, by: int) -> None:
        """Take the next speed, the slowest after the fastest."""
        known = speeds(self.film)
        at = known.index(self.look.speed) + by
        self._show(replace(self.look, speed=known[at % len(known)]))


def play(film: Film, found: FoundMatch, follow: int | None = None) -> None:
    """Play a film on the terminal of this process until the user leaves."""
    Player(film, found, follow).run()
