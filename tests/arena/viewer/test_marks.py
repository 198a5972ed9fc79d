"""What a film of edition 2026 shows beside land is what the board holds; 2025 has none of it."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from arena.half_blocks import half_blocks
from arena.replay import play_back, playing, read_replay
from arena.territory.engine.engine import Engine
from arena.territory.engine.rules import STRUCTURES
from arena.territory.engine.state import CITY_LEVELS, N_TRAINS, TRAITOR_UNTIL
from arena.territory.maps import load_map
from arena.viewer.film import frame_hash, record_film
from arena.viewer.lookout import Lookout
from arena.viewer.marks import BOAT_ID, LANDING_X, Marks, X, Y, marks_from_arrays, marks_to_arrays
from arena.viewer.packing import from_varints, unpack
from arena.viewer.payload import film_payload, member_names, seat_terms
from arena.viewer.text_marks import BUILDING, HOUSE, put_marks, shown_meanings
from tests.arena.territory.engine.engine_checks import board as engine_with
from tests.arena.viewer.of_2026 import film_2026, film_with_railway, replay_2026, with_marks


def expected(engine: Engine) -> list[object]:
    """The same facts, asked of the engine player by player."""
    players = range(1, engine.n_players + 1)
    seat = {p: int(engine.seat_of[p - 1]) for p in players} | {0: -1}
    by_seat = sorted(players, key=lambda p: seat[p])
    structures = [
        (y * engine.map.width + x, STRUCTURES.index(kind) + 1, seat[owner], level, int(finished))
        for kind, owner, x, y, level, finished, _ in engine.structures()
    ]
    boats = [
        (seat[boat.owner], seat[boat.target], boat.x, boat.y, *boat.landing, round(boat.troops),
         int(boat.is_ordered_back))
        for boat in engine.boats_at_sea()
    ]  # fmt: skip
    allies = [
        (a, b)
        for a in range(engine.n_players)
        for b in range(a + 1, engine.n_players)
        if engine.is_allied(by_seat[a], by_seat[b])
    ]
    ships = [
        (seat[ship.owner], *(-1 if p is None else p[1] * engine.map.width + p[0] for p in ports),
         ship.steps, ship.arrives_at)
        for ship in engine.trade_ships()
        for ports in [(ship.start, ship.goal)]
    ]  # fmt: skip
    return [
        [int(engine.gold[p - 1]) for p in by_seat],
        [int(engine.state.ledger[p, CITY_LEVELS]) for p in by_seat],
        [int(engine.state.ledger[p, TRAITOR_UNTIL]) for p in by_seat],
        sorted(structures),
        sorted(boats),
        allies,
        sorted(ships),
    ]


def rows(table: np.ndarray) -> list[tuple[int, ...]]:
    return [tuple(row) for row in table.tolist()]


def test_marks_are_what_the_board_holds_at_that_decision() -> None:
    for frame, (match, _) in enumerate(playing(replay_2026(), load_map)):
        marks = film_2026().marks[frame]
        found = [
            marks.gold.tolist(),
            marks.levels.tolist(),
            marks.traitor_until.tolist(),
            rows(marks.structures),
            sorted(rows(marks.boats[:, BOAT_ID + 1 :])),
            rows(marks.allies),
            rows(marks.ships),
        ]
        assert found == expected(match.engine)
    assert frame == len(film_2026()) - 1
    # and it all happened: a city raised or taken, boats, alliances, traitors
    all_of = film_2026().marks
    assert max(int(each.levels.max()) for each in all_of) >= 2
    assert any(len(each.boats) for each in all_of) and any(len(each.allies) for each in all_of)
    assert any(each.traitors(int(t)) for each, t in zip(all_of, film_2026().ticks, strict=True))


def test_a_boat_keeps_its_number_as_long_as_it_sails_on() -> None:
    last: dict[int, list[int]] = {}
    numbers: set[int] = set()
    for marks in film_2026().marks:
        now = {row[BOAT_ID]: row for row in marks.boats.tolist()}
        assert sorted(now) == [row[BOAT_ID] for row in marks.boats.tolist()]
        for number in now.keys() & last.keys():
            then, there = last[number], now[number]
            assert then[LANDING_X:-1] == there[LANDING_X:-1]
            # a tile a tick, 25 ticks a decision
            assert max(abs(then[X] - there[X]), abs(then[Y] - there[Y])) <= 25
        assert not (now.keys() - last.keys()) & numbers  # a number is never given twice
        numbers |= now.keys()
        last = now
    assert len(numbers) >= 3


def test_the_hash_of_a_frame_covers_every_mark() -> None:
    film = film_2026()
    frame = next(i for i, each in enumerate(film.marks) if len(each.boats) and len(each.allies))
    ships = np.array([[1, 20, 30, 12, 99]])
    rails, trains = np.array([[20, 30, 12]]), np.array([[1, 20, 30, 12, 99]])
    marks = replace(film.marks[frame], structures=np.array([[7, 1, 2, 1, 1]]), ships=ships)
    marks = replace(marks, rails=rails, trains=trains)
    owner = np.zeros((2, 3), np.uint8)

    def digest(marks: Marks | None) -> bytes:
        return frame_hash(7, owner, film.tiles[frame], film.troops[frame], marks)

    found = {digest(None), digest(marks), digest(replace(marks, structures=marks.structures[:0]))}
    tables = ("gold", "levels", "traitor_until")
    for name in (*tables, "structures", "boats", "allies", "ships", "rails", "trains"):
        changed = getattr(marks, name).copy()
        changed[(0, -1) if changed.ndim == 2 else 0] += 1
        found.add(digest(replace(marks, **{name: changed})))
    assert len(found) == 3 + 9


def test_rails_and_trains_are_those_of_the_board() -> None:
    """A plain that A has to the west of x = 120, and B to the east."""
    owners = np.full((12, 240), 1)
    owners[:, 120:] = 2
    engine = engine_with(owners, troops=(60_000,) * 2, edition="2026")
    engine.put_structure(1, "city", 110, 6)
    engine.put_structure(1, "factory", 50, 6, level=1_000)
    engine.put_structure(2, "city", 150, 6)
    while engine.state.clock[N_TRAINS] == 0:
        engine.run(1)
    marks = Lookout().take(engine)
    assert marks is not None
    west, middle, east = 6 * 240 + 50, 6 * 240 + 110, 6 * 240 + 150
    # half tiles: 61 tiles of railway for 60 of the map, 41 for 40
    assert marks.rails.tolist() == [[west, middle, 61], [middle, east, 41]]
    # it left in the tick that was run last, and takes 61 / 2 ticks
    arrives_at = engine.tick - 1 + 31
    assert marks.trains.tolist() == [[int(engine.seat_of[0]), west, middle, 61, arrives_at]]
    engine.run(31)
    trains = [train for train in engine.trains() if train.start == (110, 6)]
    assert {train.goal for train in trains} <= {(150, 6)}
    engine.conquer(0, 110, 6)
    engine.run(2)  # nobody has a turn in tick 0
    assert engine.railway() == engine.trains() == []


def test_a_film_without_a_railway_is_the_bytes_that_it_was_before_films_knew_of_railways() -> None:
    film = with_marks({0: {"rails": [], "trains": []}})
    payload = film_payload(film)
    assert payload["format"] == "territory-film/2"
    assert not {"rails", "trains"} & unpack(payload).keys()
    marks = film.marks[-1]
    n_ships = len(marks.ships)
    assert marks.numbers()[-1 - 5 * n_ships :].tolist() == [n_ships, *marks.ships.ravel().tolist()]
    # and what was written before is read: arrays without these two
    kept = {
        name: values
        for name, values in marks_to_arrays(film.marks).items()
        if not name.startswith(("rails", "trains"))
    }
    assert [len(each.rails) for each in marks_from_arrays(kept)] == [0] * len(film)


def test_a_railway_is_stored_when_it_changes() -> None:
    film = film_with_railway()
    payload = film_payload(film)
    assert payload["format"] == "territory-film/3"
    numbers = from_varints(unpack(payload)["rails"]).tolist()
    # gap of the first tile, way to the second, tiles; 40 to 5800 after 40 to 90
    laid = [3, 10, 30, 31, 30, 50, 51, 0, 5760, 61]
    changed = [2, 10, 30, 33, 30, 50, 0]  # one is longer, one is gone
    gone = [1, 40, 5760, 0]
    last = [1, 10, 30, 0]
    assert numbers == [*[0] * 3, *laid, 0, *changed, *gone, *last, *[0] * (len(film) - 8)]


def test_a_film_of_2025_is_the_same_bytes_as_before_there_were_marks() -> None:
    film = record_film(read_replay(Path("docs/images/observation.replay")), load_map)
    assert film.marks == ()
    payload = film_payload(film)
    about = {key: value for key, value in payload.items() if key != "bytes"}
    digest = hashlib.sha256(json.dumps(about).encode() + b"".join(unpack(payload).values()))
    # what the release before the marks wrote of this replay
    assert digest.hexdigest() == "e7e0d07170533691d703b85ef8aa09525ee9309cb2a5b546ed59b1980ea31ad4"


def test_the_marks_of_a_film_take_a_tenth_of_its_bytes_at_most() -> None:
    with_marks, without = (
        len(film_payload(each)["bytes"]) for each in (film_2026(), replace(film_2026(), marks=()))
    )
    assert without < with_marks < 1.1 * without


def test_a_thinned_film_keeps_the_marks_of_its_frames() -> None:
    thin = film_2026().thinned(4)
    assert [
        each is film_2026().marks[at] for each, at in zip(thin.marks, thin.decisions, strict=True)
    ] == [True] * len(thin)


def test_marks_come_back_from_their_arrays() -> None:
    stream = io.BytesIO()
    np.savez(stream, **marks_to_arrays(film_2026().marks))
    stream.seek(0)
    with np.load(stream) as arrays:
        found = marks_from_arrays(arrays)
    assert len(found) == len(film_2026())
    for one, other in zip(found, film_2026().marks, strict=True):
        assert one.numbers().tolist() == other.numbers().tolist()
        assert one.boats.tolist() == other.boats.tolist()
    assert marks_from_arrays(marks_to_arrays(())) == ()


def test_players_of_the_game_itself_are_named_as_what_they_are() -> None:
    assert member_names(replay_2026())[5:] == (
        "nation-medium",
        "tribe 1",
        "tribe 2",
        "nation-easy 1",
    )
    assert seat_terms(replay_2026()) == (
        *("", "", "", "", "", "nation-medium", "tribe", "tribe", "nation-easy"),
    )
    seats = film_payload(film_2026())["seats"]
    assert [seat.get("terms", "") for seat in seats] == list(seat_terms(replay_2026()))


def board() -> Marks:
    """Six seats on 8 x 8 tiles: three cities, one of them being built, and two boats."""
    return Marks(
        gold=np.zeros(6, np.int64),
        levels=np.zeros(6, np.int64),
        traitor_until=np.zeros(6, np.int64),
        structures=np.array([[0, 1, 2, 1, 1], [9, 1, 3, 4, 1], [63, 1, 4, 1, 0], [7, 2, 5, 1, 1]]),
        boats=np.array([[0, 1, -1, 4, 4, 7, 4, 100, 0], [1, 1, 2, 0, 7, 0, 0, 100, 1]]),
        allies=np.zeros((0, 2), np.int64),
    )


@pytest.mark.parametrize(
    "side, lines",
    [
        # Two tiles above one another in a character: rows 0 and 1 are the first. The boat at 4, 4
        # lands in the east; the one at 0, 7 in the north.
        (8, ["⌂4     d", "", "    →", "↑      +"]),
        # Two tiles to a pixel, four above one another in a character: of the two cities in the
        # first one, the higher stands there.
        (4, ["4  d", "↑ →+"]),
        # Enlarged: the last pixel of each tile.
        (16, [" ⌂             d", "   4", "", "", "         →", "", "", " ↑             +"]),
    ],
)
def test_marks_stand_in_the_cell_of_their_tile(side: int, lines: list[str]) -> None:
    plain = half_blocks(np.zeros((side, side, 3), np.uint8))
    found = put_marks(plain, board(), (8, 8), (side, side), 6)
    shown = [line.replace("▀", " ").rstrip() for line in found.plain.split("\n")]
    assert shown == lines
    assert len(found.plain) == len(plain.plain)


def test_only_what_is_on_the_boards_of_a_film_is_explained() -> None:
    assert [letter for letter, _ in shown_meanings((board(),))] == [HOUSE, BUILDING, "d", "→"]
    empty = replace(board(), structures=board().structures[:0], boats=board().boats[:0])
    assert shown_meanings((empty,)) == []


def test_a_board_of_2025_has_no_marks() -> None:
    match = play_back(read_replay(Path("docs/images/observation.replay")), load_map, 1)
    assert Lookout().take(match.engine) is None
