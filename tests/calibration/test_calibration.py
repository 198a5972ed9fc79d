"""Every row of the calibration is what it must be, within its Monte-Carlo error."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.calibration.harness import Measured, Row, at_most, covers
from tests.calibration.run import BEGIN, END, all_rows, line, measure, table, write_page

ROWS = all_rows()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_row_is_what_it_must_be(row: Row) -> None:
    found = measure(row, "fast")
    assert found.ok, line(row, found)


@pytest.mark.long
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_row_is_what_it_must_be_in_long_effort(row: Row) -> None:
    found = measure(row, "long")
    assert found.ok, line(row, found)


def test_names_of_rows_are_unique() -> None:
    names = [row.name for row in ROWS]
    assert len(set(names)) == len(names)


def test_a_wrong_coverage_is_noticed_and_a_right_one_is_not() -> None:
    # 880 of 1000: 0.88 is 5 errors of 0.0103 below 0.93
    assert not covers([True] * 880 + [False] * 120).ok
    assert covers([True] * 950 + [False] * 50).ok
    assert not covers([True] * 1000, high=0.96).ok
    assert not at_most([True] * 80 + [False] * 920, 0.05).ok
    assert at_most([True] * 50 + [False] * 950, 0.05).ok


def test_the_table_replaces_what_stands_between_the_marks(tmp_path: Path) -> None:
    page = tmp_path / "statistics.md"
    page.write_text(f"# Title\n\n{BEGIN}\nstale\n{END}\n\nNotes.\n", encoding="utf-8")
    row = Row("name", "printed | here", "-", ".05", lambda effort, rng: Measured(0, 0, "", True))
    write_page(page, table([(row, Measured(0.0512, 0.002, "9 runs", True))], "long"))
    text = page.read_text(encoding="utf-8")
    assert text.startswith("# Title\n") and text.endswith(f"\n{END}\n\nNotes.\n")
    assert "stale" not in text
    assert "| name | printed \\| here | - | .05 | 0.0512 +- 0.002 | yes | 9 runs |" in text
