"""The bricks: texts of an exact width, columns that fit, and drawings."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.text import Text

from league.report.usage_text import size
from league.screen.lines import (
    Column,
    bar,
    cut,
    cut_name,
    duration,
    histogram,
    joined,
    padded,
    sentence,
    spark,
    table,
    wrapped,
)


@given(st.text(max_size=40), st.integers(0, 30))
def test_a_text_is_cut_or_filled_to_its_width(text: str, width: int) -> None:
    assert padded(Text(cut(text, width)), width).cell_len == width
    assert Text(cut(text, width)).cell_len == width


def test_a_cut_name_says_so_and_a_whole_one_does_not() -> None:
    assert cut("expander", 8) == "expander"
    assert cut("expander", 6) == "expan…"
    assert cut("ab", 4) == "ab  "


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("it took 119,825 decisions", 30, "it took 119,825 decisions"),
        ("it took 119,825 decisions", 12, "it took…"),  # not "it took 119…"
        ("it took 119,825 decisions", 16, "it took 119,825…"),
        ("onewordthatisverylong", 8, "oneword…"),
    ],
)
def test_a_sentence_is_cut_between_words(text: str, width: int, expected: str) -> None:
    assert sentence(text, width) == expected


def test_pieces_that_do_not_fit_are_left_out_whole() -> None:
    assert joined(["12 matches", "1,234 s", "7"], 16).plain == "12 matches  7   "
    assert [line.plain for line in wrapped(["aaaa", "bbbb", "cc"], 10)] == [
        "aaaa  bbbb",
        "cc        ",
    ]


def _columns() -> list[Column]:
    return [
        Column("rank", ["1", "2"], least=4),
        Column("name", ["expander", "a-long-name-indeed"], left=True, least=8, is_name=True),
        Column("mu", ["26.91", "26.69"]),
        Column("drawn", lambda width: ["x" * width] * 2, left=True, least=4, most=9),
        Column("decisions", ["1,203,456", "-"]),
    ]


@given(st.integers(20, 80))
def test_a_table_leaves_columns_out_and_never_cuts_a_figure(width: int) -> None:
    lines = table(_columns(), width, ("decisions", "drawn", "rank"))
    assert [line.cell_len for line in lines] == [width] * 3
    found = re.findall(r"[\d][\d.,]*", lines[1].plain)
    assert set(found) <= {"1", "26.91", "1,203,456"} and "26.91" in found
    # rank 4 + name 8 + mu 5 + drawn 4 + decisions 9 and four gaps of 2 are 38
    assert ("decisions" in lines[0].plain) == (width >= 38)


def test_room_goes_to_names_first_then_to_drawings() -> None:
    # 4 + 18 + 5 + 9 and three gaps of 2 are 42
    (heading, first, second) = table(_columns()[:4], 42)
    assert second.plain == "   2  a-long-name-indeed  26.69  xxxxxxxxx"
    assert heading.plain == "rank  name                   mu  drawn    "
    assert first.plain.startswith("   1  expander            26.91")


def test_a_spark_line_stands_on_its_scale_with_the_newest_value_at_the_right() -> None:
    assert spark([0.0, 7.9, None, 4.0], 6, 0.0, 8.0) == "  ▁█ ▅"
    assert spark([1.0, 3.0, 5.0, 7.0], 2, 0.0, 8.0) == "▃▇"  # means 2 and 6 of 8
    assert spark([5.0], 3, 5.0, 5.0) == "  ▅"


def test_a_histogram_has_a_full_block_at_its_top() -> None:
    assert histogram([0, 1, 7], 3) == "▁▂█"
    assert histogram([1, 1, 3, 3], 2) == "▄█"  # 2 of 6: ceil(2 * 7 / 6) = 3
    assert histogram([0, 0], 4) == "    "


@pytest.mark.parametrize(
    ("share", "expected"), [(0, "    "), (0.5, "██  "), (1.7, "████"), (0.03, "▏   ")]
)
def test_a_bar_is_filled_to_an_eighth(share: float, expected: str) -> None:
    assert bar(share, 4) == expected


def test_lengths_of_time_and_sizes_are_short() -> None:
    assert [duration(s) for s in (7.9, 252, 11_100, 1_051_200)] == [
        "7s",
        "4m12s",
        "3h05m",
        "12d04h",
    ]
    assert [size(n) for n in (0, 24e6, 2_633e6, 9.96e6, 999.6e6)] == [
        *("0 kB", "24 MB", "2.6 GB", "10 MB", "1.0 GB")
    ]


def test_a_name_that_is_cut_keeps_the_number_at_its_end() -> None:
    assert cut_name("baseline-0020", 11) == "basel…-0020"
    assert cut_name("baseline-0020", 13) == "baseline-0020"
    assert cut_name("a-1", 6) == "a-1   "
    assert cut_name("strategist-patient", 11) == cut("strategist-patient", 11)  # no number
    assert cut_name("baseline-0020", 6) == cut("baseline-0020", 6)  # no room for both
    for name in ("baseline-0020", "名前名前名前-0001", "x" * 30):
        assert all(cell_len(cut_name(name, width)) == width for width in range(20))
