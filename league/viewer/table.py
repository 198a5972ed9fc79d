"""Owns a film as text and as JSON: who held how much land when, where there is no terminal."""

from __future__ import annotations

from typing import Any

import numpy as np

from arena.territory.engine.rules import STRUCTURES
from arena.viewer.film import Film
from league.viewer.found import FoundMatch

N_ROWS = 20  # of the table, unless somebody says how many ticks lie between two
_BEST = 3  # seats of a row


def shown_frames(film: Film, every: int | None) -> list[int]:
    """Return the frames of a table's rows: the first one at or after each step, and the last."""
    end = int(film.ticks[-1])
    step = every or max(end // N_ROWS, 1)
    frames = np.searchsorted(film.ticks, np.arange(0, end, step)).tolist()
    return list(dict.fromkeys([*frames, len(film) - 1]))


def film_lines(film: Film, found: FoundMatch, every: int | None = None) -> list[str]:
    """Return a head, a row per step with the seats that hold most land, and the final table."""
    replay = film.replay
    lines = [
        f"{found.title}   {replay.spec.map}   {replay.ticks:,} ticks   {len(film) - 1} decisions",
        "",
        f"{'tick':>7}  alive  most land",
    ]
    for frame in shown_frames(film, every):
        tiles = film.tiles[frame]
        best = sorted(range(film.n_seats), key=lambda seat: (-int(tiles[seat]), seat))[:_BEST]
        held = "   ".join(f"{found.names[seat]} {tiles[seat]:,}" for seat in best if tiles[seat])
        lines.append(f"{film.ticks[frame]:>7,}  {int((tiles > 0).sum()):>5}  {held}")
    end = film.marks[-1] if film.marks else None
    head = "" if end is None else f"{'gold':>11}  {'cities':>6}  "
    lines += [
        "",
        f"{'place':>5}  {'seat':>4}  {'tiles':>9}  {'troops':>11}  {head}{'out at':>7}  name",
    ]
    for seat in sorted(range(film.n_seats), key=lambda seat: (film.placements[seat], seat)):
        out = film.eliminated_tick[seat]
        also = "" if end is None else f"{end.gold[seat]:>11,}  {end.levels[seat]:>6}  "
        lines.append(
            f"{film.placements[seat]:>5}  {seat:>4}  {film.tiles[-1, seat]:>9,}"
            f"  {film.troops[-1, seat]:>11,}  {also}{'-' if out is None else f'{out:,}':>7}"
            f"  {found.names[seat]}"
        )
    return lines


def film_json(film: Film, found: FoundMatch, every: int | None = None) -> dict[str, Any]:
    """Return the same numbers as JSON types, those of edition 2026 too where there are any."""
    return {
        "title": found.title,
        "map": film.replay.spec.map,
        "ticks": film.replay.ticks,
        "final_state_sha256": film.replay.final_state_sha256,
        "seats": [
            {
                "seat": seat,
                "name": found.names[seat],
                "rating": found.ratings[seat],
                "placement": film.placements[seat],
                "eliminated_tick": film.eliminated_tick[seat],
            }
            for seat in range(film.n_seats)
        ],
        "frames": [
            {
                "tick": int(film.ticks[frame]),
                "tiles": film.tiles[frame].tolist(),
                "troops": film.troops[frame].tolist(),
                **(_marks_json(film, frame) if film.marks else {}),
            }
            for frame in shown_frames(film, every)
        ],
    }


def _marks_json(film: Film, frame: int) -> dict[str, Any]:
    """Return what stands on the board beside land and troops; places are tiles (x, y)."""
    marks, width = film.marks[frame], film.map.width

    def place(tile: int) -> list[int] | None:
        return None if tile < 0 else [tile % width, tile // width]

    return {
        "gold": marks.gold.tolist(),
        "city_levels": marks.levels.tolist(),
        "traitors": marks.traitors(int(film.ticks[frame])),
        "allies": marks.allies.tolist(),
        "structures": [
            {
                "kind": STRUCTURES[kind - 1],
                "seat": seat,
                "x": tile % width,
                "y": tile // width,
                "level": level,
                "is_finished": bool(is_finished),
            }
            for tile, kind, seat, level, is_finished in marks.structures.tolist()
        ],
        "trade_ships": [
            {
                "seat": seat,
                "start": place(start),
                "goal": place(goal),
                "arrives_at": arrives_at,
            }
            for seat, start, goal, _, arrives_at in marks.ships.tolist()
        ],
        "rails": [
            {"stations": [place(one), place(other)], "tiles": length}
            for one, other, length in marks.rails.tolist()
        ],
        "trains": [
            {"seat": seat, "start": place(start), "goal": place(goal), "arrives_at": arrives_at}
            for seat, start, goal, _, arrives_at in marks.trains.tolist()
        ],
        "boats": [
            {
                "seat": seat,
                "target": None if target < 0 else target,
                "x": x,
                "y": y,
                "landing": [landing_x, landing_y],
                "troops": troops,
                "is_ordered_back": bool(is_back),
            }
            for _, seat, target, x, y, landing_x, landing_y, troops, is_back in marks.boats.tolist()
        ],
    }
