"""A live report does not fit the chances of the first place at every look."""

from __future__ import annotations

from pathlib import Path

import pytest

from league.folder.layout import LeagueFolder
from league.rating.columns import MatchColumns
from league.report import chances
from league.report.chances import REFIT_AFTER, ChanceMemory
from league.report.screen import standings_table
from league.report.state import StateReader

RATINGS = {1: (25.0, 2.0), 2: (25.0, 2.0), 3: (25.0, 2.0)}


def log(n: int, *, third: bool = False) -> MatchColumns:
    games = [([1, 2], [1, 2])] * n
    return MatchColumns.of_matches([*games[1:], ([1, 3], [1, 2])] if third else games)


def test_chances_are_fitted_anew_after_some_matches_or_with_a_new_member(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fits: list[int] = []
    real = chances.first_chances

    def counted(columns: MatchColumns, ratings: object) -> object:
        fits.append(columns.n_matches)
        return real(columns, RATINGS)

    monkeypatch.setattr(chances, "first_chances", counted)
    memory = ChanceMemory()
    for n in (5, 6, 5 + REFIT_AFTER - 1, 5 + REFIT_AFTER, 6 + REFIT_AFTER):
        memory.read(log(n), RATINGS)
    assert fits == [5, 5 + REFIT_AFTER]
    assert set(memory.read(log(7 + REFIT_AFTER, third=True), RATINGS)) == {1, 2, 3}
    memory.read(log(3), RATINGS)  # another log: a restored league
    assert fits[2:] == [7 + REFIT_AFTER, 3]


def test_the_standings_show_the_chance_with_its_interval(hand_made_league: LeagueFolder) -> None:
    with StateReader(hand_made_league) as reader:
        state = reader.read()
    best = state.members[0]
    assert best.first is not None and best.first.matches == 3
    assert 0.0 < best.first.low < best.first.p < best.first.high <= 1.0
    column = next(
        c for c in standings_table(state.members).fitted(200).columns if c.header == "first %"
    )
    p, low, high = (round(100 * x) for x in (best.first.p, best.first.low, best.first.high))
    assert next(iter(column.cells)) == f"{p} ({low}-{high})"
    assert sum(row.first.p for row in state.members if row.first) == pytest.approx(1.0, abs=1e-6)


def _counting(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    fits: list[int] = []
    real = chances.first_chances

    def counted(columns: MatchColumns, ratings: object) -> object:
        fits.append(columns.n_matches)
        return real(columns, RATINGS)

    monkeypatch.setattr(chances, "first_chances", counted)
    monkeypatch.setattr(chances, "WORTH_WRITING", 1)
    return fits


def test_another_command_takes_the_chances_that_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fits = _counting(monkeypatch)
    folder = LeagueFolder(tmp_path)
    first = ChanceMemory(folder).read(log(40), RATINGS)
    # A hundredth of the matches later the same, then fitted anew.
    assert ChanceMemory(folder).read(log(40 + REFIT_AFTER - 1), RATINGS) == first
    assert fits == [40]
    ChanceMemory(folder).read(log(40 + REFIT_AFTER), RATINGS)
    assert fits == [40, 40 + REFIT_AFTER]


def test_kept_chances_of_another_log_or_a_damaged_file_are_fitted_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fits = _counting(monkeypatch)
    folder = LeagueFolder(tmp_path)
    kept = ChanceMemory(folder).read(log(40), RATINGS)
    other = MatchColumns.of_matches([([1, 2], [2, 1])] * 40)
    assert ChanceMemory(folder).read(other, RATINGS) != kept
    assert fits == [40, 40]
    (path,) = folder.cache.iterdir()
    for damage in (b"", b"[]", b'{"log": 1}', b"\xff", b'{"matches": "x", "members": 1}'):
        path.write_bytes(damage)
        assert ChanceMemory(folder).read(log(40), RATINGS) == kept
    path.unlink()
    folder.cache.rmdir()
    folder.cache.write_bytes(b"a file in the way")
    assert ChanceMemory(folder).read(log(40), RATINGS) == kept
