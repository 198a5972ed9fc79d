"""Owns what a page knows of a match: `replay_payload`, a dict of JSON types.

`arena.viewer.page` puts it into pages. Promises: it holds the whole film within `most_bytes`, and
says how many frames it left out, evenly, where a large map needs it.

Sections (arena.viewer.packing): `terrain`, the map's bytes as differences of rows, modulo 256;
`runs`, per frame the number of runs that change hands, then of all runs `gaps`, `lengths` (varints)
and `owners` (bytes: 0 neutral, seat + 1, 255 water); `ticks`, `decisions`, `tiles`, `troops`,
`boxes` (differences of rows); `orders` (bytes); `attacks`, per frame their number and for each the
attacking seat, the seat attacked + 1 (0: neutral) and the troops; `hashes`, 8 bytes a frame. Per
seat with a network `values_S` (thousandths, signed varints, differences of rows), `chances_S`
(bytes: 127 times the square root of the probability of each of `n_actions` actions, 45 where the
page is not told, which is all of edition 2025), `scales_S` (bytes:
share of 255 of each view) and `attention_S_VIEW_LAYER` (bytes: 63 times the square root of the
weight's share of `peak`). A film of edition 2026 has `MARKS_FORMAT`, or `RAILWAY_FORMAT` where
there is a railway, the sections of `arena.viewer.marks.mark_sections`, and under `structures` the
words for their kinds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arena.board_picture import seat_colours
from arena.match import LoadMap
from arena.replay import Replay
from arena.territory.engine.actions import BUILD
from arena.territory.engine.terms import TRIBE_TERMS
from arena.viewer.film import Film, Watcher, record_film
from arena.viewer.marks import STRUCTURE_WORDS, has_railway, mark_sections
from arena.viewer.packing import pack, steps, varints

FORMAT, MARKS_FORMAT, RAILWAY_FORMAT = (f"territory-film/{version}" for version in (1, 2, 3))
MOST_BYTES = 4_500_000
"""Bytes of a payload, unless asked for others: a page on 1024 x 1024 stays below 5 MB."""
_ONTO = np.array([0, 1, 0])  # the seat attacked is one more, so that neutral land is 0
CHANCE_LEVELS, ATTENTION_LEVELS = 127, 63

FloatArray = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Insight:
    """What a network thought at each decision of its seat; rows are decisions, NaN where dead.

    Attributes:
        member: what kind of network it is, such as "attention".
        values: float32[D], the value of what was seen.
        chances: float32[D, actions], the probability of each action.
        scales: float32[D, 3], the share of each view in the fusion, or None.
        attention: per view one float32[D, H, W] for each spatial layer, mean 1 where alive.
    """

    member: str
    values: FloatArray
    chances: FloatArray
    scales: FloatArray | None = None
    attention: Mapping[str, Sequence[FloatArray]] = field(default_factory=dict)


@dataclass(frozen=True)
class Says:
    """What is known of a match beside its replay; empty parts are left out or taken from it.

    Attributes:
        title: above the film.
        names: by seat.
        ratings: by seat, at the time of the match, None where unknown.
        follow: the seat followed when the page opens, or None.
        silent: by seat, why a seat has no insight, such as "a script".
    """

    title: str = ""
    names: Sequence[str] = ()
    ratings: Sequence[float | None] = ()
    follow: int | None = None
    silent: Mapping[int, str] = field(default_factory=dict)


def replay_payload(
    replay: Replay,
    load_map: LoadMap,
    says: Says | None = None,
    *,
    watcher: Watcher | None = None,
    insights: Callable[[], Mapping[int, Insight]] | None = None,
    progress: Callable[[int, int], None] | None = None,
    most_bytes: int = MOST_BYTES,
) -> dict[str, Any]:
    """Play a replay back and return what a page needs to show it.

    Args:
        watcher: is shown what the seats saw, see `record_film`.
        insights: called after that; what the networks of seats thought.

    Raises:
        ReplayError, MapError, MatchError: see `record_film`.
    """
    film = record_film(replay, load_map, watcher=watcher, progress=progress)
    return film_payload(film, says, insights() if insights else {}, most_bytes=most_bytes)


def film_payload(
    film: Film,
    says: Says | None = None,
    insights: Mapping[int, Insight] | None = None,
    *,
    most_bytes: int = MOST_BYTES,
) -> dict[str, Any]:
    """Return what a page needs to show a film; every second frame of it until it fits."""
    n_all = len(film)
    while True:
        payload = _payload(film, says or Says(), insights or {}, n_all)
        if len(payload["bytes"]) <= most_bytes or len(film) <= 2:
            return payload
        film = film.thinned(2)


def member_names(replay: Replay) -> tuple[str, ...]:
    """Return the names of a match's seats: as recorded, else what their agents' specs say.

    Those of the crowd come after them: `tribe 1`, `nation-medium 1` and so on.
    """
    names = replay.label.names or tuple(_short(spec) for spec in replay.spec.agents)
    counts: Counter[str] = Counter()
    crowd = []
    for terms in replay.spec.rules.crowd_terms:
        counts[terms] += 1
        crowd.append(f"{_terms_word(terms)} {counts[terms]}")
    return (*names, *crowd)


def _terms_word(terms: str) -> str:
    """Return what people call a player on these terms: tribe, nation, nation-hard, .."""
    return "tribe" if terms == TRIBE_TERMS else terms


def seat_terms(replay: Replay) -> tuple[str, ...]:
    """Return by seat who it is that the engine plays, such as tribe or nation-hard, "" for others.

    Those of the crowd come after the match's own seats.
    """
    spec = replay.spec
    own = spec.terms or ("",) * spec.rules.n_seats
    return tuple(_terms_word(terms) for terms in (*own, *spec.rules.crowd_terms))


def _short(spec: str) -> str:
    kind, _, rest = spec.partition(":")
    return rest if kind == "scripted" else f"{kind} {rest[:8]}" if kind == "snapshot" else spec[:24]


def _payload(film: Film, says: Says, insights: Mapping[int, Insight], n_all: int) -> dict[str, Any]:
    replay, rules = film.replay, film.replay.spec.rules
    known, terms = member_names(replay), seat_terms(replay)
    names = [*says.names, *known[len(says.names) :]]
    ratings = [*says.ratings, *[None] * (film.n_seats - len(says.ratings))]
    sections = _sections(film)
    thought = {
        seat: _add_insight(sections, seat, insight, film) for seat, insight in insights.items()
    }
    return {
        "format": _format(film),
        "title": says.title,
        "match": replay.label.match_id,
        "map": replay.spec.map,
        "width": film.map.width,
        "height": film.map.height,
        "seed": str(replay.spec.seed),
        "max_ticks": rules.max_ticks,
        "ticks_per_decision": rules.ticks_per_decision,
        "n_playable": film.map.n_playable,
        "final_state": replay.final_state_sha256,
        "rules_sha256": replay.label.rules_sha256,
        "map_sha256": film.map.sha256,
        "n_frames": len(film),
        "n_decisions": n_all,
        "views": replay.spec.views.to_json(),
        "follow": says.follow,
        "seats": [
            {
                "name": str(names[seat]),
                "colour": "#{:02x}{:02x}{:02x}".format(*map(int, colour)),
                "place": film.placements[seat],
                "died": film.eliminated_tick[seat],
                "rating": None if ratings[seat] is None else round(float(ratings[seat]), 2),  # type: ignore[arg-type]
                "spawn": film.spawns[seat].tolist(),
                "insight": thought.get(seat),
                "silent": says.silent.get(seat, ""),
                **({"terms": terms[seat]} if terms[seat] else {}),
            }
            for seat, colour in enumerate(seat_colours(film.n_seats))
        ],
        **({"structures": list(STRUCTURE_WORDS.values())} if film.marks else {}),
        **pack(sections),
    }


def _format(film: Film) -> str:
    if has_railway(film.marks):
        return RAILWAY_FORMAT
    return MARKS_FORMAT if film.marks else FORMAT


def _sections(film: Film) -> dict[str, bytes]:
    runs = [change.starts for change in film.changes]
    gaps = [
        np.diff(change.starts, prepend=0) - np.append(0, change.lengths[:-1])[: len(change.starts)]
        for change in film.changes
    ]
    attacks = [
        number
        for frame in film.attacks
        for number in (len(frame), *(frame + _ONTO).ravel().tolist())
    ]
    terrain = np.diff(film.map.terrain.astype(np.int16), axis=0, prepend=np.int16(0))
    return {
        "terrain": terrain.astype(np.uint8).tobytes(),
        "runs": varints(np.array([len(starts) for starts in runs])),
        "gaps": varints(np.concatenate(gaps)),
        "lengths": varints(np.concatenate([change.lengths for change in film.changes])),
        "owners": np.concatenate([change.owners for change in film.changes]).tobytes(),
        "ticks": steps(film.ticks[:, None]),
        "decisions": steps(film.decisions[:, None]),
        "tiles": steps(film.tiles),
        "troops": steps(film.troops),
        "boxes": steps(film.boxes.reshape(len(film), -1)),
        "orders": film.orders.tobytes(),
        "attacks": varints(np.array(attacks)),
        "hashes": b"".join(film.hashes),
        **(mark_sections(film.marks, film.ticks) if film.marks else {}),
    }


def _add_insight(
    sections: dict[str, bytes], seat: int, insight: Insight, film: Film
) -> dict[str, Any]:
    """Add the sections of one seat; return what the page must know to read them."""
    at = film.decisions[:-1]  # there is no decision at the end
    values = np.nan_to_num(insight.values[at])
    sections[f"values_{seat}"] = steps(np.round(1000 * values).astype(np.int64)[:, None])
    chances = np.sqrt(np.nan_to_num(insight.chances[at]))
    sections[f"chances_{seat}"] = np.round(CHANCE_LEVELS * chances).astype(np.uint8).tobytes()
    if insight.scales is not None:
        scales = np.nan_to_num(insight.scales[at])
        sections[f"scales_{seat}"] = np.round(255 * scales).astype(np.uint8).tobytes()
    layers = []
    for view, maps in insight.attention.items():
        for layer, weights in enumerate(maps):
            shown = np.nan_to_num(weights[at])
            peak = max(float(shown.max()), 1e-9)
            levels = np.round(ATTENTION_LEVELS * np.sqrt(np.clip(shown / peak, 0, 1)))
            sections[f"attention_{seat}_{view}_{layer}"] = levels.astype(np.uint8).tobytes()
            _, height, width = weights.shape
            layers.append([view, layer, height, width, round(peak, 4)])
    known = {
        "member": insight.member,
        "has_scales": insight.scales is not None,
        "attention": layers,
    }
    n_actions = chances.shape[1]
    return known if n_actions == BUILD else {**known, "n_actions": n_actions}
