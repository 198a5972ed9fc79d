"""The film on a terminal: what its keys do, and that numbers are never cut."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console
from textual.pilot import Pilot

from arena.territory.maps import load_map
from arena.viewer.film import Film, Reel, record_film
from arena.viewer.text_marks import ALLY, HOUSE, TRAITOR, short
from league.viewer.found import FoundMatch, find_match
from league.viewer.player import Look, render, speeds, usual_speed
from league.viewer.terminal import Player
from tests.arena.viewer.of_2026 import film_2026


@pytest.fixture(scope="module")
def shown(replay_file: Path) -> tuple[Film, FoundMatch]:
    found = find_match(str(replay_file), None)
    return record_film(found.replay, load_map), found


def drawn(shown: tuple[Film, FoundMatch], look: Look, width: int, height: int) -> list[str]:
    film, found = shown
    console = Console(width=width, height=height, record=True, file=io.StringIO())
    console.print(render(film, Reel(film), found, look, width, height))
    return console.export_text().splitlines()


@pytest.mark.parametrize("size", [(80, 24), (100, 30), (120, 40), (200, 60), (60, 30)])
def test_a_frame_fits_every_terminal_and_shows_all_numbers(
    shown: tuple[Film, FoundMatch], size: tuple[int, int]
) -> None:
    film, _ = shown
    width, height = size
    lines = drawn(shown, Look(frame=12), width, height)
    assert len(lines) <= height
    assert max(map(len, lines)) <= width
    text = "\n".join(lines)
    assert "tick 120 of 300" in text
    for seat in range(10):
        assert f"{film.tiles[12, seat]:,}" in text
        assert f"{film.troops[12, seat]:,}" in text


def test_a_seat_that_is_followed_is_listed_also_where_there_is_no_room(
    shown: tuple[Film, FoundMatch],
) -> None:
    film, _ = shown
    last = min(range(10), key=lambda seat: int(film.tiles[25, seat]))
    lines = drawn(shown, Look(frame=25, follow=last), 100, 8)
    assert any(f"{film.troops[25, last]:,}" in line for line in lines)


def test_the_usual_speed_shows_a_match_in_under_a_minute(shown: tuple[Film, FoundMatch]) -> None:
    film, _ = shown
    # 300 ticks are 30 s of game time
    assert usual_speed(film) == 1
    assert speeds(film) == [1, 2, 4, 8]
    # 20 s are too few: 30 s are shown at twice the speed
    assert usual_speed(film, 20.0) == 2


def test_keys_do_what_the_foot_says(shown: tuple[Film, FoundMatch]) -> None:
    film, found = shown

    async def session() -> None:
        app = Player(film, found, clock=lambda: 0.0)
        async with app.run_test(size=(100, 30)) as pilot:
            assert app.look.is_playing
            await pilot.press("end")
            assert (app.look.frame, app.look.is_playing) == (30, False)
            await pilot.press("left", "left")
            assert app.look.frame == 28
            await pilot.press("right")
            assert app.look.frame == 29
            await pilot.press("home")
            assert app.look.frame == 0
            await pilot.press("left")
            assert app.look.frame == 0
            await pilot.press("s")
            assert app.look.speed == 2
            await pilot.press("S", "S")
            assert app.look.speed == 8
            await pilot.press("f")
            first = max(range(10), key=lambda seat: (int(film.tiles[0, seat]), -seat))
            assert app.look.follow == first
            await pilot.press("escape")
            assert app.look.follow is None
            await pilot.press("space")
            assert app.look.is_playing
            await pilot.press("space")
            assert not app.look.is_playing
            await pilot.press("q")
        assert app.return_value is None and app.return_code == 0

    asyncio.run(session())


def test_it_plays_to_the_end_and_stops_and_space_begins_again(
    shown: tuple[Film, FoundMatch],
) -> None:
    film, found = shown

    now = 0.0

    async def session() -> None:
        nonlocal now
        app = Player(film, found, clock=lambda: now)
        async with app.run_test(size=(100, 30)) as pilot:
            assert app.look.frame == 0
            now = 12.3  # at game time, ten ticks a second: tick 123, decision 12 began at 120
            await until(pilot, lambda: app.look.frame == 12)
            assert app.look.is_playing
            now = 31.0  # the match has 30 s
            await until(pilot, lambda: not app.look.is_playing)
            assert app.look.frame == 30
            await pilot.press("space")
            assert app.look.frame == 0 and app.look.is_playing

    asyncio.run(session())


async def until(pilot: Pilot[None], is_so: Callable[[], bool]) -> None:
    for _ in range(600):
        if is_so():
            return
        await pilot.pause(0.05)
    raise AssertionError("it did not come to that")


def test_a_match_of_2026_shows_cities_boats_gold_and_allies() -> None:
    film = film_2026()
    found = FoundMatch(film.replay, "A match", tuple("abcdefghi"), (None,) * 9)
    frame = next(
        i
        for i, marks in enumerate(film.marks)
        if marks.levels.any() and marks.traitors(int(film.ticks[i])) and len(marks.allies)
    )
    marks = film.marks[frame]
    seat = int(marks.levels.argmax())
    traitor = marks.traitors(int(film.ticks[frame]))[0]
    for width, columns in ((80, ["gold", HOUSE]), (140, ["gold", HOUSE, "allies", "order"])):
        lines = drawn((film, found), Look(frame=frame), width, 30)
        assert len(lines) <= 30 and max(map(len, lines)) <= width
        head = next(line for line in lines if "troops" in line)
        assert head.split()[-len(columns) :] == columns
        board, rows = head.index("seat"), [line[head.index("seat") :] for line in lines]
        row = next(line for line in rows if f" {film.tiles[frame, seat]:,} " in line)
        assert short(int(marks.gold[seat])) in row
        assert str(marks.levels[seat]) in row.split()
        named = found.names[traitor]
        assert any(line.startswith(f"{TRAITOR} {named} ") for line in rows)
        if width == 140:
            most = max(range(9), key=lambda seat: len(marks.allies_of(seat)))
            row = next(line for line in rows if f" {film.tiles[frame, most]:,} " in line)
            assert row.count(ALLY) == min(len(marks.allies_of(most)), 4)
        # on the board beside it: a house or a level
        on_board = "".join(line[:board] for line in lines if "▀" in line)
        assert HOUSE in on_board or "2" in on_board
        assert any(f"{HOUSE} city" in line for line in lines)


@pytest.mark.parametrize(
    "value, said",
    [(0, "0"), (9_999, "9,999"), (10_000, "10k"), (1_250_000, "1.25M"), (12_500_000, "12.5M")],
)
def test_gold_takes_six_letters_at_most(value: int, said: str) -> None:
    assert short(value) == said
