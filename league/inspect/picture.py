"""Draws what `league look` found: a seat's three views with all channels, and its attention.

Needs matplotlib (the extra `plot`). Both pictures are palette PNGs of about 100 to 300 KB.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from arena.territory.engine.actions import describe
from arena.territory.observation.keys import VIEW_NAMES
from arena.territory.observation.views import CHANNEL_NAMES, CHANNELS, channel_names
from arena.territory.observation.views_2026 import CHANNELS_2026
from league.inspect.look import REGIONS, Sight, regions, version_of
from league.inspect.mark_panel import explain_marks, show_marks
from league.inspect.neighbour_panel import show_neighbours
from league.report.figures import FAINT, INK, LINE, PAPER, new_figure, save_png

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from msattn.inspect import AttentionRecord

Picture = NDArray[np.float64]

_OFF_MAP, _WATER = (0.05, 0.06, 0.08), (0.13, 0.24, 0.38)
_OWN, _RIVAL = (0.25, 0.72, 0.95), (0.93, 0.42, 0.30)
_NEUTRAL_LOW, _NEUTRAL_HIGH = (0.62, 0.66, 0.50), (0.93, 0.90, 0.84)
_FRONT, _WINDOW = (1.0, 0.95, 0.65), "#ffe08a"
_SUBTITLES = {
    "global": "the whole map, {cell} x {cell} tiles per cell",
    "local": "around the fronts, 2 x 2 tiles per cell",
    "tactical": "on the hottest front, one tile per cell",
}
# The colour of a channel's full value; zero is nearly black, so that other values stand out.
_COLOURS = {
    "own": "#40b8f2", "rival": "#ed6b4d", "neutral": "#a9b57f", "barrier": "#7f93ad",
    "terrain": "#d99a5b", "strength": "#f06292", "size": "#b388ff", "outgoing": "#2fd6c3",
    "incoming": "#ff8f1f", "front": "#fff2a6", "gained": "#b6f25c", "lost": "#ff5470",
    "city": "#ffd34d", "boat": "#7fd6ff", "post": "#c8b6a6",
}  # fmt: skip
_NOTHING = "#07090d"
_REGION_COLOURS = {
    "own_border": _FRONT, "own": _OWN, "rivals": _RIVAL, "neutral": _NEUTRAL_LOW,
    "water": (0.25, 0.42, 0.63), "off_map": (0.42, 0.44, 0.48),
}  # fmt: skip


@dataclass(frozen=True)
class Caption:
    """What the picture shows: the match and the member, by the names that the reader knows."""

    match: str
    member: str

    def title(self, sight: Sight) -> str:
        """Return the line above the picture."""
        return (
            f"match {self.match}   seat {sight.seat}: {self.member}   decision {sight.decision} of "
            f"{sight.n_decisions} (tick {sight.tick:,} of {sight.max_ticks:,})   "
            f"then chose {describe(sight.action)}"
        )


def draw_views(sight: Sight, caption: Caption, path: Path) -> Path:
    """Draw the three views, each as a composite and as its channels.

    Raises:
        UsageError: matplotlib is missing.
        FolderError: the file cannot be written.
    """
    names = channel_names(version_of(sight.observation))
    columns = -(-len(names) // 2)
    figure = new_figure(16.0, 15.0)
    _write_title(figure, caption.title(sight))
    explain_marks(figure, _images(sight), 0.954)
    bands = figure.add_gridspec(3, 1, left=0.015, right=0.985, top=0.935, bottom=0.085, hspace=0.12)
    for row, view in enumerate(VIEW_NAMES):
        grid = bands[row].subgridspec(2, 2 + columns, wspace=0.06, hspace=0.2)
        composite = figure.add_subplot(grid[:, :2])
        _show_composite(composite, sight, view)
        image = sight.observation[view]
        for channel, name in enumerate(names):
            axes = figure.add_subplot(grid[channel // columns, 2 + channel % columns])
            axes.imshow(image[channel], cmap=_scale_of(name), vmin=0, vmax=255)
            most = image[channel].max() / 255
            _title(axes, name, "all 0" if most == 0 else f"up to {most:.2f}")
            _bare(axes)
    _write_meanings(figure, names)
    return save_png(figure, path)


def draw_attention(sight: Sight, record: AttentionRecord, caption: Caption, path: Path) -> Path:
    """Draw the three views with spatial attention over them, the other weights beside and below.

    Raises:
        UsageError: matplotlib is missing.
        FolderError: the file cannot be written.
    """
    n_layers = max((len(maps) for maps in record.spatial.values()), default=1)
    bands = {"views": 3.4 * len(VIEW_NAMES)}
    if record.head_weights is not None:
        bands["scales"] = 1.5
    if record.token_weights is not None:
        bands["neighbours"] = 2.6
    figure = new_figure(3.6 * (n_layers + 2) + 1.0, sum(bands.values()) + 3.9)
    _write_title(figure, caption.title(sight))
    figure.text(
        0.016, 0.957, "Bars: what the attention falls on, and below it the areas to compare with.",
        fontsize=10, color=FAINT, va="center",
    )  # fmt: skip
    explain_marks(figure, _images(sight), 0.957)
    heights = (*[3.4] * len(VIEW_NAMES), *list(bands.values())[1:])
    grid = figure.add_gridspec(
        len(heights), n_layers + 2, height_ratios=heights, left=0.055, right=0.98, top=0.92,
        bottom=0.03, hspace=0.34, wspace=0.08,
    )  # fmt: skip
    for row, view in enumerate(VIEW_NAMES):
        _show_composite(figure.add_subplot(grid[row, 0]), sight, view)
        for layer in range(len(record.spatial.get(view, ()))):
            axes = figure.add_subplot(grid[row, 1 + layer])
            _show_spatial(axes, sight, record, view, layer)
            _show_shares(axes, sight, record, view, layer)
        if record.channel.get(view):
            _show_channels(figure.add_subplot(grid[row, n_layers + 1]), record.channel[view])
    row = len(VIEW_NAMES)
    if "scales" in bands:
        _show_heads(figure.add_subplot(grid[row, : n_layers + 1]), record)
        _show_scales(figure.add_subplot(grid[row, n_layers + 1]), record)
        row += 1
    if "neighbours" in bands:
        middle = (n_layers + 2) // 2
        left, right = grid[row, :middle], grid[row, middle:]
        own = figure.add_subplot(left.subgridspec(1, 2, width_ratios=(0.06, 0.94))[1])
        among = figure.add_subplot(right.subgridspec(1, 2, width_ratios=(0.16, 0.84))[1])
        show_neighbours(own, among, sight, record)
    return save_png(figure, path)


# --- panels ---------------------------------------------------------------------------------------


def composite(image: NDArray[np.uint8]) -> Picture:
    """Return the view as a picture, float64[S, S, 3].

    Own land is blue, rivals are red (darker when stronger), neutral land is green, paler with
    height, water dark blue, off-map black, own fronts pale.
    """
    share = regions(image)
    first = image[: len(CHANNEL_NAMES)].astype(np.float64)[..., None] / 255
    channels = dict(zip(CHANNEL_NAMES, first, strict=True))
    land = np.maximum(1 - share["water"] - share["off_map"], 1e-9)[..., None]
    height = np.clip((channels["terrain"] / land - 1 / 3) * 1.5, 0, 1)
    neutral = (1 - height) * np.array(_NEUTRAL_LOW) + height * np.array(_NEUTRAL_HIGH)
    rivals = np.maximum(channels["rival"], 1e-9)
    strength = np.clip(channels["strength"] / rivals, 0, 1)
    picture = (
        channels["own"] * np.array(_OWN)
        + channels["rival"] * np.array(_RIVAL) * (1.1 - 0.6 * strength)
        + channels["neutral"] * neutral
        + share["water"][..., None] * np.array(_WATER)
        + share["off_map"][..., None] * np.array(_OFF_MAP)
    )
    front = 0.75 * np.clip(channels["front"], 0, 1)
    drawn: Picture = np.clip((1 - front) * picture + front * np.array(_FRONT), 0, 1)
    return drawn


def _images(sight: Sight) -> dict[str, NDArray[np.uint8]]:
    return {view: sight.observation[view] for view in VIEW_NAMES}


def _show_composite(axes: Axes, sight: Sight, view: str) -> None:
    axes.imshow(composite(sight.observation[view]))
    show_marks(axes, sight.observation[view])
    axes.set_anchor("N")
    _title(axes, view.upper(), _SUBTITLES[view].format(cell=sight.cells[view]), size=12)
    _bare(axes)
    for smaller in VIEW_NAMES[VIEW_NAMES.index(view) + 1 :]:
        _outline(axes, sight, view, smaller)


def _scale_of(channel: str) -> Any:
    """Return the channel's colour scale, dark for 0."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list(channel, [_NOTHING, _COLOURS[channel]])


def _write_meanings(figure: Figure, names: Sequence[str]) -> None:
    """Write what each channel means, in two columns at the foot; channels go from 0 to 1."""
    rows = -(-len(names) // 2)
    for index, (name, meaning) in enumerate((*CHANNELS, *CHANNELS_2026)[: len(names)]):
        x, y = 0.016 + 0.5 * (index // rows), 0.067 - 0.0672 / rows * (index % rows)
        figure.text(x, y, name, fontsize=9, color=_COLOURS[name], weight="bold", va="center")
        figure.text(x + 0.048, y, meaning, fontsize=9, color=FAINT, va="center")


def _outline(axes: Axes, sight: Sight, view: str, smaller: str) -> None:
    """Draw where a smaller view lies inside this one."""
    from matplotlib.patches import Rectangle

    cell = sight.cells[view]
    side = sight.observation[smaller].shape[-1] * sight.cells[smaller] / cell
    x, y = (
        (sight.corners[smaller][axis] - sight.corners[view][axis]) / cell - 0.5 for axis in (0, 1)
    )
    style = "-" if smaller == "local" else (0, (2, 1.5))
    axes.add_patch(
        Rectangle((x, y), side, side, fill=False, color=_WINDOW, linewidth=1.6, linestyle=style)
    )


def _show_spatial(axes: Axes, sight: Sight, record: AttentionRecord, view: str, layer: int) -> None:
    """Draw the view dimmed, glowing where the layer attends."""
    from matplotlib import colormaps

    image = sight.observation[view]
    size = image.shape[-1]
    weight = record.shares(view, layer, size)[0] * size**2
    peak = float(weight.max())
    # Only more than an even share glows: nearly even attention stays dark and is not stretched.
    glow = np.clip((weight - 1) / max(peak - 1, 1.0), 0, 1)[..., None] ** 0.8
    picture = composite(image)
    grey = (picture @ np.array([0.3, 0.59, 0.11]))[..., None]
    dim = (0.6 * grey + 0.4 * picture) * (0.2 + 0.35 * np.minimum(weight, 1))[..., None]
    heat = colormaps["YlOrRd_r"](0.15 + 0.7 * glow[..., 0])[..., :3]
    axes.imshow(np.clip((1 - glow) * dim + glow * heat, 0, 1))
    cells = record.spatial[view][layer].shape[-1]
    _title(
        axes,
        f"where: layer {layer + 1}",
        f"{cells} x {cells}, peak {peak:.1f} x, entropy {record.entropy(view, layer)[0]:.3f}",
    )
    axes.set_anchor("N")
    _bare(axes)


def _show_shares(axes: Axes, sight: Sight, record: AttentionRecord, view: str, layer: int) -> None:
    """Draw below a spatial map what the attention falls on, and the areas to compare with."""
    parts = regions(sight.observation[view])
    shares = {n: float(record.share_on(view, layer, part[None])[0]) for n, part in parts.items()}
    areas = {name: float(part.mean()) for name, part in parts.items()}
    bars = axes.inset_axes((0.0, -0.2, 1.0, 0.18))
    for height, values in ((2.0, shares), (1.0, areas)):
        left = 0.0
        for name in (name for name in REGIONS if name != "own_border"):  # part of own
            bars.barh(height, values[name], 0.9, left=left, color=_REGION_COLOURS[name])
            if values[name] > 0.17:
                bars.text(
                    left + values[name] / 2, height, f"{name.replace('_', '-')} {values[name]:.0%}",
                    ha="center", va="center", fontsize=8, color="#101010",
                )  # fmt: skip
            left += values[name]
    note = f"own border {shares['own_border']:.1%} of attention, {areas['own_border']:.1%} of area"
    bars.text(0, 0.05, note, fontsize=8, color=FAINT)
    bars.set_xlim(0, 1)
    bars.set_ylim(-0.2, 2.5)
    bars.axis("off")


def _show_channels(axes: Axes, layers: Sequence[NDArray[np.float32]]) -> None:
    """Draw the channel weights of each layer, sorted; a flat line means no selection."""
    for index, weights in enumerate(layers):
        values = np.sort(weights[0])[::-1]
        axes.plot(
            np.linspace(0, 1, len(values)), values, linewidth=2,
            color=("#7fd1ff", "#ffb86b")[index % 2],
            label=f"layer {index + 1}: {len(values)} channels, {values.min():.2f} to "
            f"{values.max():.2f}",
        )  # fmt: skip
    axes.set_ylim(0, 1)
    axes.set_xticks([])
    axes.set_yticks([0, 0.5, 1], ["0 ", "½ ", "1 "])
    axes.yaxis.tick_right()
    axes.set_box_aspect(1)
    axes.set_anchor("N")
    _title(axes, "what: channel weights", "sorted")
    _plain_axes(axes)
    axes.legend(loc="lower left", fontsize=8, facecolor=PAPER, edgecolor="none", labelcolor=INK)


def _show_heads(axes: Axes, record: AttentionRecord) -> None:
    assert record.head_weights is not None
    heads = record.head_weights[0].T
    axes.imshow(heads, cmap="viridis", vmin=0, vmax=1, aspect="auto")
    axes.set_yticks(range(len(record.scales)), record.scales)
    axes.set_xticks(range(heads.shape[1]), [f"head {i + 1}" for i in range(heads.shape[1])])
    for (scale, head), weight in np.ndenumerate(heads):
        ink = "#101010" if weight > 0.6 else INK
        axes.text(head, scale, f"{weight:.2f}", ha="center", va="center", fontsize=9, color=ink)
    _title(axes, "which scale each head looks at", "this decision; columns add up to 1")
    _plain_axes(axes)


def _show_scales(axes: Axes, record: AttentionRecord) -> None:
    assert record.scale_weights is not None
    positions = list(range(len(record.scales)))
    axes.barh(positions, record.scale_weights, 0.6, color="#7fd1ff")
    for at, weight in zip(positions, record.scale_weights, strict=True):
        axes.text(weight + 0.01, at, f"{weight:.3f}", va="center", fontsize=9, color=INK)
    axes.axvline(1 / len(positions), color=FAINT, linewidth=1, linestyle=":")
    axes.set_yticks([])  # the rows of the heads beside it
    axes.set_ylim(len(positions) - 0.5, -0.5)
    axes.set_xlim(0, max(0.6, 1.25 * float(record.scale_weights.max())))
    axes.set_xticks([])
    _title(axes, "learned scale weights", "dotted: even")
    _plain_axes(axes)


# --- the frame ------------------------------------------------------------------------------------


def _write_title(figure: Figure, text: str) -> None:
    figure.text(0.016, 0.975, text, fontsize=14, color=INK, weight="bold", va="center")


def _title(axes: Axes, name: str, note: str, size: int = 10) -> None:
    axes.text(
        0, 1.025, name, transform=axes.transAxes, fontsize=size, color=INK, weight="bold",
        va="bottom",
    )  # fmt: skip
    axes.text(
        1, 1.025, note, transform=axes.transAxes, fontsize=8, color=FAINT, ha="right", va="bottom"
    )


def _bare(axes: Axes) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_color(LINE)


def _plain_axes(axes: Axes) -> None:
    axes.set_facecolor(PAPER)
    axes.tick_params(colors=INK, labelsize=9, length=0)
    for spine in axes.spines.values():
        spine.set_color(LINE)
