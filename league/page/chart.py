"""Owns where the parts of a chart stand: numbers in, places in a drawing out; templates draw them.

Promises: pure functions; what comes out is finite and inside the drawing, whatever comes in.
Coordinates are rounded to a tenth of a pixel, which keeps a page of many charts small.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from league.curves.picture import spread

Point = tuple[float, float]
Part = TypeVar("Part")

WIDE, NARROW = (720, 330), (340, 190)
"""Width and height of a chart that stands alone, and of one among others."""


@dataclass(frozen=True)
class Line:
    """A series of a chart.

    Attributes:
        points: (x, y), by x.
        low, high: of the band around it, () without one.
        colour: number of its colour; the same for the same thing in all charts of a section.
        hollow: whether each dot is drawn hollow; () draws no dots.
        titles: what each dot says when it is pointed at.
        star: index of the point that has a star, or None.
    """

    name: str
    points: Sequence[Point]
    colour: int = 0
    low: Sequence[float] = ()
    high: Sequence[float] = ()
    hollow: Sequence[bool] = ()
    titles: Sequence[str] = ()
    star: int | None = None
    is_dashed: bool = False


@dataclass(frozen=True)
class Tick:
    """A mark of an axis: where, and what it says."""

    at: float
    text: str


@dataclass(frozen=True)
class Dot:
    """A dot or a star of a chart."""

    x: float
    y: float
    colour: int
    title: str
    is_hollow: bool = False


@dataclass(frozen=True)
class Path:
    """An outline (`d` of an SVG path) in a colour."""

    d: str
    colour: int
    name: str = ""
    is_dashed: bool = False


@dataclass(frozen=True)
class Chart:
    """A drawing: everything in pixels of its own, from the upper left corner."""

    width: float
    height: float
    left: float
    right: float
    top: float
    bottom: float
    label: str
    x_label: str = ""
    y_label: str = ""
    x_ticks: Sequence[Tick] = ()
    y_ticks: Sequence[Tick] = ()
    areas: Sequence[Path] = ()
    lines: Sequence[Path] = ()
    dots: Sequence[Dot] = ()
    stars: Sequence[Dot] = ()
    levels: Sequence[Tick] = ()
    marks: Sequence[Tick] = ()
    legend: Sequence[tuple[str, int]] = field(default_factory=tuple)


def ticks(low: float, high: float, most: int) -> list[float]:
    """Return round numbers in low..high, about as many as wanted."""
    span = high - low
    if not math.isfinite(span) or span <= 0:
        return [low] if math.isfinite(low) else []
    raw = span / max(most, 1)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [round(i * step, 12) for i in range(first, math.floor(high / step + 1e-9) + 1)]


def short(value: float) -> str:
    """Return a number as an axis shows it: 250k, 1.5M, 0.02."""
    for least, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= least:
            return f"{value / least:.3g}{unit}"
    return f"{value:.3g}"


def d_of(points: Sequence[Point], *, closed: bool = False) -> str:
    """Return the outline through points as an SVG path."""
    if not points:
        return ""
    head, *rest = (f"{_short(x)} {_short(y)}" for x, y in points)
    return f"M{head}" + "".join(f"L{each}" for each in rest) + ("Z" if closed else "")


def _short(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def sparkline(values: Sequence[float], low: float, high: float, size: Point) -> str:
    """Return the outline of a small line of evenly spaced values between low and high."""
    if len(values) < 2:
        return ""
    scale = size[1] / max(high - low, 1e-9)
    return d_of(
        [
            (at * size[0] / (len(values) - 1), size[1] - (min(max(v, low), high) - low) * scale)
            for at, v in enumerate(values)
        ]
    )


def histogram(shares: Sequence[float], most: float, size: Point) -> str:
    """Return the outline of small columns, the highest possible one of share `most`."""
    if not shares:
        return ""
    width = size[0] / len(shares)
    parts = []
    for at, share in enumerate(shares):
        height = min(share / max(most, 1e-9), 1.0) * size[1]
        if height >= 0.05:
            up, along = _short(height), _short(width * 0.8)
            parts.append(f"M{_short(at * width)} {_short(size[1])}v-{up}h{along}v{up}z")
    return "".join(parts)


def line_chart(
    lines: Sequence[Line],
    label: str,
    *,
    x_label: str = "",
    y_label: str = "",
    size: tuple[int, int] = WIDE,
    levels: Sequence[tuple[str, float]] = (),
    marks: Sequence[tuple[str, float]] = (),
    y_range: tuple[float, float] | None = None,
    x_text: Callable[[float], str] = short,
    with_legend: bool = True,
) -> Chart | None:
    """Lay out lines with bands, dots and stars; None if there is nothing to draw.

    Args:
        levels: (name, y) of horizontal lines, named at the right edge.
        marks: (title, x) of vertical lines.
        y_range: of the axis; None takes that of the points and of three quarters of the bands.
    """
    lines = [_finite(line) for line in lines]
    xs = [x for line in lines for x, _ in line.points]
    ys = [y for line in lines for _, y in line.points]
    if not xs:
        return None
    if y_range is None:
        y_range = _padded([*ys, *(y for _, y in levels), *_of_bands(lines)])
    right = 12.0 + (6.2 * max((len(name) for name, _ in levels), default=0))
    frame = _Frame(size, right, (min(xs), max(xs)), y_range)
    return Chart(
        width=size[0],
        height=size[1],
        left=frame.left,
        right=frame.right,
        top=frame.top,
        bottom=frame.bottom,
        label=label,
        x_label=x_label,
        y_label=y_label,
        x_ticks=frame.x_ticks(x_text),
        y_ticks=frame.y_ticks(),
        areas=[Path(_band(line, frame), line.colour) for line in lines if line.low],
        lines=[
            Path(d_of([frame.at(p) for p in line.points]), line.colour, line.name, line.is_dashed)
            for line in lines
        ],
        dots=[dot for line in lines for dot in _dots(line, frame)],
        stars=[dot for line in lines for dot in _star(line, frame)],
        levels=_apart([(name, frame.y(y)) for name, y in levels], 12.0, frame),
        marks=[Tick(round(frame.x(x), 1), title) for title, x in marks if frame.shows(x)],
        legend=[(line.name, line.colour) for line in lines] if with_legend else (),
    )


def stacked_chart(
    xs: Sequence[float],
    layers: Sequence[tuple[str, Sequence[float]]],
    label: str,
    *,
    x_label: str = "",
    size: tuple[int, int] = WIDE,
    marks: Sequence[tuple[str, float]] = (),
    x_text: Callable[[float], str] = short,
) -> Chart | None:
    """Lay out shares that add up to 1 at each x, the first layer at the bottom; None without x."""
    if not xs or not layers:
        return None
    frame = _Frame(size, 12.0, (min(xs), max(xs)), (0.0, 1.0))
    wide = list(xs) if len(xs) > 1 else [frame.low_x, frame.high_x]
    below = [0.0] * len(wide)
    areas = []
    for colour, (name, values) in enumerate(layers):
        high = [b + v for b, v in zip(below, _repeated(values, len(wide)), strict=True)]
        outline = [*zip(wide, high, strict=True), *zip(wide[::-1], below[::-1], strict=True)]
        areas.append(Path(d_of([frame.at(p) for p in outline], closed=True), colour, name))
        below = high
    return Chart(
        width=size[0],
        height=size[1],
        left=frame.left,
        right=frame.right,
        top=frame.top,
        bottom=frame.bottom,
        label=label,
        x_label=x_label,
        x_ticks=frame.x_ticks(x_text),
        y_ticks=[Tick(frame.y(y), f"{100 * y:.0f} %") for y in (0.0, 0.5, 1.0)],
        areas=areas,
        marks=[Tick(round(frame.x(x), 1), title) for title, x in marks if frame.shows(x)],
        legend=[(name, colour) for colour, (name, _) in enumerate(layers)],
    )


class _Frame:
    """The rectangle of a chart between its axes, and where values fall in it."""

    def __init__(self, size: tuple[int, int], right: float, x_range: Point, y_range: Point) -> None:
        self.left, self.top = 46.0, 10.0
        self.right, self.bottom = size[0] - right, size[1] - 36.0
        self.low_x, self.high_x = _widened(x_range)
        self.low_y, self.high_y = _widened(y_range)
        self._n_x, self._n_y = max(size[0] // 100, 2), max(size[1] // 45, 3)

    def x(self, value: float) -> float:
        share = (value - self.low_x) / (self.high_x - self.low_x)
        return self.left + min(max(share, 0.0), 1.0) * (self.right - self.left)

    def y(self, value: float) -> float:
        share = (value - self.low_y) / (self.high_y - self.low_y)
        return self.bottom - min(max(share, 0.0), 1.0) * (self.bottom - self.top)

    def at(self, point: Point) -> Point:
        return self.x(point[0]), self.y(point[1])

    def shows(self, x: float) -> bool:
        return self.low_x <= x <= self.high_x

    def x_ticks(self, text: Callable[[float], str]) -> list[Tick]:
        found = ticks(self.low_x, self.high_x, self._n_x)
        return [Tick(round(self.x(x), 1), text(x)) for x in found]

    def y_ticks(self) -> list[Tick]:
        found = ticks(self.low_y, self.high_y, self._n_y)
        return [Tick(round(self.y(y), 1), short(y)) for y in found]


def _finite(line: Line) -> Line:
    """Return a line without the points that no chart can show."""
    kept = [at for at, point in enumerate(line.points) if all(map(math.isfinite, point))]
    if len(kept) == len(line.points):
        return line

    def of(part: Sequence[Part]) -> Sequence[Part]:
        return [part[at] for at in kept] if part else ()

    return replace(
        line,
        points=of(line.points),
        low=of(line.low),
        high=of(line.high),
        hollow=of(line.hollow),
        titles=of(line.titles),
        star=kept.index(line.star) if line.star in kept else None,
    )


def _of_bands(lines: Sequence[Line]) -> list[float]:
    """Return the ends of the narrower three quarters of all bands: a newcomer's may be huge."""
    bands = [pair for line in lines for pair in zip(line.low, line.high, strict=True)]
    bands.sort(key=lambda pair: pair[1] - pair[0])
    return [y for pair in bands[: -(-3 * len(bands) // 4)] for y in pair if math.isfinite(y)]


def _padded(values: Sequence[float]) -> Point:
    low, high = min(values), max(values)
    room = 0.06 * (high - low)
    return low - room, high + room


def _widened(found: Point) -> Point:
    low, high = found
    if not (math.isfinite(low) and math.isfinite(high)):
        return 0.0, 1.0
    if high - low > 1e-12 * max(abs(low), abs(high), 1e-12):
        return low, high
    room = max(abs(low) * 0.05, 0.5)
    return low - room, high + room


def _repeated(values: Sequence[float], n: int) -> Sequence[float]:
    return values if len(values) == n else [values[0]] * n


def _band(line: Line, frame: _Frame) -> str:
    xs = [x for x, _ in line.points]
    if len(xs) == 1:  # a single point spans no area: a bar of three pixels
        x, half = frame.x(xs[0]), 1.5
        low, high = frame.y(line.low[0]), frame.y(line.high[0])
        return d_of(
            [(x - half, low), (x + half, low), (x + half, high), (x - half, high)], closed=True
        )
    outline = [*zip(xs, line.high, strict=True), *reversed(list(zip(xs, line.low, strict=True)))]
    return d_of([frame.at(point) for point in outline], closed=True)


def _dots(line: Line, frame: _Frame) -> list[Dot]:
    return [
        Dot(
            round(frame.x(x), 1),
            round(frame.y(y), 1),
            line.colour,
            line.titles[at] if line.titles else line.name,
            line.hollow[at],
        )
        for at, (x, y) in enumerate(line.points)
        if line.hollow and at != line.star
    ]


def _star(line: Line, frame: _Frame) -> list[Dot]:
    if line.star is None:
        return []
    x, y = frame.at(line.points[line.star])
    title = line.titles[line.star] if line.titles else line.name
    return [Dot(round(x, 1), round(y, 1), line.colour, title)]


def _apart(wanted: Sequence[tuple[str, float]], gap: float, frame: _Frame) -> list[Tick]:
    """Return labels near the wanted heights, at least `gap` apart where there is room."""
    heights = spread([y for _, y in wanted], gap, frame.top + 4.0, frame.bottom)
    return [Tick(round(y, 1), name) for (name, _), y in zip(wanted, heights, strict=True)]
