"""Owns where the panels stand: a pure function of the size of the terminal.

Promises: places depend on the size alone, so that nothing jumps while numbers change; panels cover
the room between head and foot without a gap or an overlap.
"""

from __future__ import annotations

from dataclasses import dataclass

HEAD, FOOT = 2, 1  # lines
LEAST_WIDTH, LEAST_HEIGHT = 40, 12
_WIDE, _HIGH = (100, 28), (120, 36)  # columns and lines of four and of all seven panels
_LEARNERS = 8  # lines of the panels 3 and 4: a title and seven
_EVENTS = 5
_LEFT_SHARE = 0.625


@dataclass(frozen=True)
class Place:
    """A rectangle of characters; `has_edge` means a dividing line at its left."""

    x: int
    y: int
    width: int
    height: int
    has_edge: bool = False

    @property
    def inner_width(self) -> int:
        """Columns for the panel's lines."""
        return self.width - (1 if self.has_edge else 0)


def places(width: int, height: int, enlarged: int | None = None) -> dict[int, Place]:
    """Return the place of each panel that is shown in a terminal of this size."""
    width, height = max(width, LEAST_WIDTH), max(height, LEAST_HEIGHT)
    room = height - HEAD - FOOT
    if enlarged is not None:
        return {enlarged: Place(0, HEAD, width, room)}
    if width < _WIDE[0] or height < _WIDE[1]:
        return _narrow(width, room)
    left = round(_LEFT_SHARE * width)
    is_high = width >= _HIGH[0] and height >= _HIGH[1]
    events = _EVENTS + max(0, room - 37) // 10 if is_high else 0
    upper = (room - events - _LEARNERS + 1) // 2 if is_high else room - 2 * _LEARNERS
    lower = room - events - _LEARNERS - upper
    found = {}
    y = HEAD
    for (on_left, on_right), lines in zip(
        ((1, 2), (3, 4), (5, 6)), (upper, _LEARNERS, lower), strict=True
    ):
        found[on_left] = Place(0, y, left, lines)
        found[on_right] = Place(left, y, width - left, lines, has_edge=True)
        y += lines
    if events:
        found[7] = Place(0, y, width, events)
    return found


def _narrow(width: int, room: int) -> dict[int, Place]:
    """Standings above learners above events; the rest is a key away."""
    learners, events = (5, 4) if room >= 20 else (3, 2) if room >= 14 else (0, 0)
    standings = room - learners - events
    found = {1: Place(0, HEAD, width, standings)}
    if learners:
        found[3] = Place(0, HEAD + standings, width, learners)
        found[7] = Place(0, HEAD + standings + learners, width, events)
    return found
