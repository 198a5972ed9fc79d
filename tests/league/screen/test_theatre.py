"""The match on screen: films of real replays, made in a process of their own."""

from __future__ import annotations

import io
import json
import struct
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from agents.registry import make_loader
from arena.match import MatchResult, MatchSpec, play_matches
from arena.replay import Label, play_back, read_replay, write_replay
from arena.territory.engine.rules import MatchRules
from arena.territory.maps import load_map
from arena.viewer.text_marks import ALLY, HOUSE, short
from league.screen.board import scene_lines
from league.screen.frames import Film, make_film, serve
from league.screen.state import Look
from league.screen.theatre import Answer, Projector, Recording, Theatre, other_match, scene_of
from tests.arena.viewer.of_2026 import film_2026
from tests.league.screen.states import NOON, state

NAMES = tuple(f"name-{seat}" for seat in range(10))


@pytest.fixture(scope="module")
def replay(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recorded match of scripts on a small map."""
    folder = tmp_path_factory.mktemp("films")
    load = make_loader(folder / "snapshots")
    agents = tuple(f"scripted:{('tribe', 'expander')[seat % 2]}" for seat in range(10))
    spec = MatchSpec(5, "generated:lakes:48x32:3", agents, MatchRules(max_ticks=400))
    (result,) = play_matches([spec], load, lambda reference: load_map(reference, base=folder))
    assert isinstance(result, MatchResult)
    path = folder / "match.replay"
    write_replay(result, path, Label(NAMES, "a" * 64, "b" * 64, 12))
    return path


def test_a_film_ends_with_the_end_of_the_match(replay: Path) -> None:
    film = make_film(replay, replay.parent, n_frames=8, side=160)
    recorded = read_replay(replay)
    match = play_back(recorded, lambda reference: load_map(reference, base=replay.parent))
    assert film.pixels.shape[1:] == (32, 48, 3) and 2 <= len(film.ticks) <= 9
    assert (film.ticks[0], film.ticks[-1]) == (0, recorded.ticks)
    assert film.tiles[-1].tolist() == match.engine.by_seat(match.engine.tiles)
    assert film.names == NAMES and (np.diff(film.ticks) > 0).all()


def test_a_film_is_no_larger_than_asked_for(replay: Path) -> None:
    film = make_film(replay, replay.parent, n_frames=3, side=16)
    assert max(film.pixels.shape[1:3]) <= 16 and len(film.ticks) <= 4


def test_films_and_errors_go_through_the_pipe(replay: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.replay"
    broken.write_bytes(b"TLR1" + bytes(20))
    orders = "".join(
        json.dumps({"path": str(path), "root": str(replay.parent), "n_frames": 4, "side": 32})
        + "\n"
        for path in (broken, replay)
    )
    out = io.BytesIO()
    serve(io.BytesIO(orders.encode()), out)
    packed = out.getvalue()
    (length,) = struct.unpack("<Q", packed[:8])
    with pytest.raises(ValueError, match="damaged"):
        Film.from_bytes(packed[8 : 8 + length])
    film = Film.from_bytes(packed[16 + length :])
    assert film.names == NAMES and film.pixels.dtype == np.uint8


def test_the_projector_answers_from_its_own_process_and_ends_with_the_screen(replay: Path) -> None:
    projector = Projector(replay.parent)
    projector.ask(replay)
    answer: Answer | None = None
    ends = time.monotonic() + 120.0
    while answer is None and time.monotonic() < ends:
        answer = projector.poll()
        time.sleep(0.01)
    assert isinstance(answer, Film) and answer.names == NAMES
    process = projector._process
    projector.close()
    assert process is not None and process.returncode is not None


class Scripted(Projector):
    """Answers what a test says."""

    def __init__(self) -> None:
        super().__init__(Path())
        self.asked: list[Path] = []
        self.answers: list[Answer] = []

    def ask(self, path: Path) -> None:
        self.asked.append(path)

    def poll(self) -> Answer | None:
        return self.answers.pop(0) if self.answers else None


def test_a_film_of_2026_shows_what_stands_on_the_board(tmp_path: Path) -> None:
    whole = film_2026()
    few = Film.from_bytes(
        Film(
            ticks=whole.ticks,
            pixels=np.zeros((len(whole), 96, 96, 3), np.uint8),
            tiles=whole.tiles,
            died=np.full(whole.n_seats, -1),
            names=tuple("abcdefghi"),
            size=(96, 96),
            marks=whole.marks,
        ).to_bytes()
    )
    frame = next(i for i, m in enumerate(whole.marks) if m.levels.any() and len(m.allies))
    scene = scene_of(few, recording(1), frame)
    marks = whole.marks[frame]
    assert scene.marks is not None and scene.size == (96, 96)
    assert scene.marks.numbers().tolist() == marks.numbers().tolist()
    assert [seat.levels for seat in scene.seats] == marks.levels.tolist()
    for seat in scene.seats:
        assert seat.allies == tuple(scene.seats[ally].colour for ally in marks.allies_of(seat.seat))
        assert seat.is_traitor == (seat.seat in marks.traitors(scene.tick))
    lines = [line.plain for line in scene_lines(state(scene=scene), Look(), 95, 24)]
    owner = int(marks.levels.argmax())
    tiles = f"{whole.tiles[frame, owner]:,}"
    row = next(line for line in lines if f" {tiles} " in line)
    assert f"{HOUSE}{marks.levels[owner]}" in row
    assert row.count(ALLY) == min(len(marks.allies_of(owner)), 2)
    assert f" {short(int(marks.gold[owner]))} " in row
    # and the house on the board itself, left of the list of seats
    on_board = "".join(line[: line.rindex("▀")] for line in lines if "▀" in line)
    assert HOUSE in on_board or "2" in on_board
    assert {len(line) for line in lines} == {95}


def recording(match: int) -> Recording:
    return Recording(match, Path(f"{match}.replay"), f"lakes:128x128:{match}", NOON)


def film(n: int = 3) -> Film:
    tiles = np.array([[5 * frame, 9] for frame in range(n)])
    pixels = np.zeros((n, 4, 4, 3), np.uint8)
    return Film(np.arange(n) * 100, pixels, tiles, np.array([-1, 100]), ("a", "b"))


def test_a_match_is_shown_moment_by_moment() -> None:
    projector = Scripted()
    theatre = Theatre(projector, recording)
    theatre.show(12)
    assert projector.asked == [Path("12.replay")] and "match 12" in theatre.note
    assert (theatre.coming, theatre.match_id, theatre.is_waiting) == (12, None, True)
    assert theatre.scene() is None
    projector.answers.append(film())
    scene = theatre.scene()
    assert scene is not None and (scene.match_id, scene.tick, scene.ticks) == (12, 0, 200)
    assert (scene.map, scene.ended_at) == ("lakes:128x128:12", NOON)
    assert theatre.scene() is scene  # the same moment is the same object
    assert [seat.died_at for seat in scene.seats] == [None, None]
    theatre.advance()
    scene = theatre.scene()
    assert scene is not None and [seat.died_at for seat in scene.seats] == [None, 100]
    assert scene.seats[0].past == (0.0, 5.0) and not theatre.is_over
    theatre.advance(5)
    assert theatre.is_over
    theatre.advance(-1)
    assert not theatre.is_over
    theatre.show(12)  # again from its beginning
    assert (found := theatre.scene()) is not None and found.frame == 0


def test_a_match_that_cannot_be_shown_leaves_the_present_one_and_says_why() -> None:
    projector = Scripted()
    theatre = Theatre(projector, lambda match: None if match == 3 else recording(match))
    theatre.show(3)
    assert theatre.note == "match 3 keeps no replay" and projector.asked == []
    theatre.show(4)
    projector.answers.append("the replay is damaged")
    assert theatre.scene() is None and theatre.note == "the replay is damaged"
    theatre.show(5)  # and the next one can be asked for
    assert len(projector.asked) == 2


def test_of_matches_asked_for_while_one_is_on_its_way_the_last_one_follows() -> None:
    projector = Scripted()
    theatre = Theatre(projector, recording)
    for match in (12, 13, 14):
        theatre.show(match)
    assert theatre.coming == 14 and projector.asked == [Path("12.replay")]
    projector.answers.append(film())
    scene = theatre.scene()
    assert scene is not None and scene.match_id == 12  # what there is, until the next one is there
    assert projector.asked == [Path("12.replay"), Path("14.replay")] and "match 14" in theatre.note
    projector.answers.append(film())
    scene = theatre.scene()
    assert scene is not None and scene.match_id == 14 and not theatre.is_waiting
    assert theatre.note == ""


def test_matches_are_stepped_through_by_the_time_of_their_ends() -> None:
    matches = state().matches  # 12,394 is the newest of twenty
    without = tuple(replace(row, has_replay=row.id != 12_393) for row in matches)
    assert other_match(matches, 12_394, 1) == 12_393
    assert other_match(without, 12_394, 1) == 12_392  # one without a replay is left out
    assert other_match(matches, 12_392, -1) == 12_393 and other_match(matches, 12_394, -1) == 12_394
    assert other_match(matches, 12_394, 1_000_000) == 12_375
    assert other_match(matches, 5, -1) == 12_375 and other_match(matches, 5, 1) == 12_375  # older
    assert other_match((), 5, 1) is None
