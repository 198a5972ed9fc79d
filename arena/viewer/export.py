"""Owns films as files that any program plays: GIF by pillow, MP4 by ffmpeg.

Each picture is the map with its seats beside it. Promises: a file is written whole or not at all; a
missing program is named with what to install.
"""

from __future__ import annotations

import contextlib
import math
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from arena.board_picture import seat_colours
from arena.errors import ReplayError
from arena.files import write_whole
from arena.viewer.film import Film
from arena.viewer.picture import Picture, frame_picture
from arena.viewer.shapes import draw_marks

KINDS = (".gif", ".mp4")
_PANEL = 0.46  # width of the list of seats, of the picture's height
_MOST_SECONDS, _SLOWEST, _FASTEST = 30.0, 3, 25  # pictures a second
_STILL_S = 2.0  # the last picture stays
_PAPER, _INK, _FAINT = (14, 19, 29), (233, 237, 245), (141, 152, 171)


def export_film(
    film: Film,
    names: Sequence[str],
    title: str,
    path: Path,
    *,
    side: int = 640,
    progress: Callable[[int, int], None] | None = None,
) -> int:
    """Write a film as GIF or MP4, by the ending of its name; return the size in bytes.

    Args:
        names: by seat.
        side: pixels of the map's longer side, about.
        progress: called with the pictures drawn and those of the film.

    Raises:
        ReplayError: another ending, or ffmpeg is missing or fails.
        OSError: the file cannot be written.
    """
    ffmpeg = find_writer(path)
    per_s = pictures_per_second(len(film))
    pictures = draw_pictures(film, names, title, side, progress)
    path.parent.mkdir(parents=True, exist_ok=True)
    if ffmpeg is not None:
        _write_mp4(pictures, per_s, ffmpeg, path)
    else:
        _write_gif(pictures, per_s, path)
    return path.stat().st_size


def find_writer(path: Path) -> str | None:
    """Return the ffmpeg that writes a file of this name, None where pillow does.

    Raises:
        ReplayError: another ending than those of KINDS, or ffmpeg is missing.
    """
    kind = path.suffix.lower()
    if kind not in KINDS:
        raise ReplayError(f"expected a file that ends in {' or '.join(KINDS)}, found {path.name}")
    if kind == ".gif":
        return None
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is None:
        raise ReplayError(
            "expected ffmpeg for an MP4, found none; install it (Debian: apt-get install ffmpeg), "
            f"or name a GIF: {path.with_suffix('.gif')}"
        )
    return ffmpeg


def pictures_per_second(n_frames: int) -> int:
    """Return the speed at which a film takes half a minute at most, where a player keeps up."""
    return int(min(max(math.ceil(n_frames / _MOST_SECONDS), _SLOWEST), _FASTEST))


def draw_pictures(
    film: Film,
    names: Sequence[str],
    title: str,
    side: int,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[Picture]:
    """Yield the pictures of a film, uint8[h, w, 3] with even sides, as video needs them."""
    longest = max(film.map.width, film.map.height)
    pixels = max(side // longest, 1)
    every = max(longest // side, 1)  # of a map that is larger than the picture
    for index, owner in enumerate(film.frames()):
        land = frame_picture(film.map, owner, film.n_seats, pixels)[::every, ::every]
        if film.marks:
            land = _with_marks(land, film, index, pixels / every)
        yield _with_list(land, film, index, names, title)
        if progress is not None:
            progress(index + 1, len(film))


def _with_marks(land: Picture, film: Film, index: int, scale: float) -> Picture:
    from PIL import Image, ImageDraw

    canvas = Image.fromarray(land)
    draw = ImageDraw.Draw(canvas)
    tick = int(film.ticks[index])
    draw_marks(draw, film.marks[index], film.map.width, scale, film.n_seats, tick)
    return np.asarray(canvas)


def _with_list(land: Picture, film: Film, index: int, names: Sequence[str], title: str) -> Picture:
    """Put the list of seats beside the land."""
    from PIL import Image, ImageDraw

    height = max(land.shape[0], 240)
    panel = int(max(height, land.shape[1]) * _PANEL)
    canvas = Image.new("RGB", (_even(land.shape[1] + panel), _even(height)), _PAPER)
    canvas.paste(Image.fromarray(land), (0, 0))
    draw = ImageDraw.Draw(canvas)
    left, right = land.shape[1] + 14, canvas.width - 12
    size = min(max(height // 36, 11), 18)
    draw.text((left, 10), _fit(draw, title, right - left, size + 2), _INK, _font(size + 2))
    tick = f"tick {film.ticks[index]:,} of {film.ticks[-1]:,}"
    draw.text((left, 16 + size), tick, _FAINT, _font(size - 1))
    row = size + 7
    top = 16 + size + row + 8
    n_rows = max((height - top) // row, 1)
    tiles = film.tiles[index]
    order = sorted(range(film.n_seats), key=lambda s: (-int(tiles[s]), film.placements[s], s))
    colours = seat_colours(film.n_seats)
    for at, seat in enumerate(order[:n_rows]):
        y = top + at * row
        is_dead = tiles[seat] == 0
        colour = tuple(int(part) // (3 if is_dead else 1) for part in colours[seat])
        ink = _FAINT if is_dead else _INK
        draw.rounded_rectangle((left, y + 2, left + size - 3, y + size - 1), 3, colour)
        number = "out" if is_dead else f"{tiles[seat]:,}"
        width = draw.textlength(number, _font(size))
        draw.text((right - width, y), number, ink, _font(size))
        room = right - left - size - 12 - width
        draw.text((left + size + 4, y), _fit(draw, names[seat], room, size), ink, _font(size))
    return np.asarray(canvas)


def _font(size: int) -> Any:
    from PIL import ImageFont

    return ImageFont.load_default(size)


def _fit(draw: Any, text: str, room: float, size: int) -> str:
    """Return what of a text fits into `room` pixels, without letters that are not printable."""
    shown = "".join(letter for letter in text if letter.isprintable())
    while shown and draw.textlength(shown, _font(size)) > room:
        shown = shown[:-2] + "…" if len(shown) > 2 else ""
    return shown


def _even(length: int) -> int:
    return length + length % 2


def _write_gif(pictures: Iterator[Picture], per_s: int, path: Path) -> None:
    import io

    from PIL import Image

    # One palette for all pictures, of the whole film's colours: pictures that differ little then
    # pack to what differs, and nothing flickers.
    taken = [Image.fromarray(picture) for picture in pictures]
    some = taken[:: max(len(taken) // 8, 1)]
    sample = Image.fromarray(np.vstack([np.asarray(picture)[::4, ::4] for picture in some]))
    palette = sample.quantize(255, dither=Image.Dither.NONE)
    flat = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in taken]
    pause = round(1000 / per_s)
    content = io.BytesIO()
    flat[0].save(
        content,
        "GIF",
        save_all=True,
        append_images=flat[1:],
        duration=[*[pause] * (len(flat) - 1), int(1000 * _STILL_S)],
        loop=0,
        optimize=False,
    )
    write_whole(path, content.getvalue())


def _write_mp4(pictures: Iterator[Picture], per_s: int, ffmpeg: str, path: Path) -> None:
    first = next(pictures)
    height, width = first.shape[:2]
    partial = path.with_name(f".{path.name}.partial.mp4")
    command = [
        ffmpeg, "-y", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgb24",
        "-s", f"{width}x{height}", "-r", str(per_s), "-i", "-", "-an", "-c:v", "libx264",
        "-pix_fmt", "yuv420p", "-movflags", "+faststart", str(partial),
    ]  # fmt: skip
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdin is not None and process.stderr is not None
    try:
        last = first
        process.stdin.write(first.tobytes())
        for picture in pictures:
            process.stdin.write(picture.tobytes())
            last = picture
        for _ in range(int(_STILL_S * per_s)):
            process.stdin.write(last.tobytes())
        process.stdin.close()
    except BrokenPipeError:  # ffmpeg has ended, and says why
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
    except BaseException:
        process.kill()
        process.wait()
        partial.unlink(missing_ok=True)
        raise
    said = process.stderr.read().decode(errors="replace").strip()
    process.stderr.close()
    if process.wait() != 0:
        partial.unlink(missing_ok=True)
        raise ReplayError(f"ffmpeg could not write {path}: {said.splitlines()[-1:] or 'no reason'}")
    partial.replace(path)
