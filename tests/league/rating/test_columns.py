"""Matches as columns: grouping, line-ups, totals, the file."""

from __future__ import annotations

import numpy as np
import pytest

from league.rating.columns import MatchColumns, totals

MATCHES = [((7, 3, 5), (1, 2, 3)), ((5, 3, 7), (1, 1, 3)), ((3, 9), (2, 1)), ((9, 5, 3), (3, 1, 2))]


def _columns() -> MatchColumns:
    return MatchColumns.of_matches(MATCHES)


def test_matches_are_grouped_by_seats_with_their_members_in_order() -> None:
    two, three = _columns().groups()
    assert two.index.tolist() == [2] and two.members.tolist() == [[3, 9]]
    assert two.placements.tolist() == [[2, 1]]
    assert three.members.tolist() == [[3, 5, 7], [3, 5, 7], [3, 5, 9]]
    assert three.placements.tolist() == [[2, 3, 1], [1, 1, 3], [2, 1, 3]]


def test_a_line_up_is_a_set_of_members_in_any_order() -> None:
    first, second, third, fourth = _columns().line_ups().tolist()
    assert first == second and len({first, third, fourth}) == 3


def test_totals_count_shared_first_places() -> None:
    # 3: places 2, 1, 2, 2; 5: 3, 1, 1; 7: 1, 3; 9: 1, 3
    assert totals(_columns()) == {3: (4, 1, 1.75), 5: (3, 2, 5 / 3), 7: (2, 1, 2.0), 9: (2, 1, 2.0)}
    assert totals(MatchColumns.empty()) == {}


def test_columns_grow_as_the_log_does() -> None:
    whole = _columns()
    rows = []
    for match_id, (members, places) in enumerate(MATCHES, start=1):
        rows += [
            (len(rows) + i + 1, match_id, m, p)
            for i, (m, p) in enumerate(zip(members, places, strict=True))
        ]
    grown = MatchColumns.empty().extended(rows[:3]).extended(rows[3:6]).extended(rows[6:])
    for name in ("match_ids", "starts", "members", "placements"):
        assert np.array_equal(getattr(grown, name), getattr(whole, name))
    assert grown.last_seq == whole.last_seq == 11
    assert whole.extended([]) is whole


def test_a_file_holds_the_columns_and_a_damaged_one_is_refused() -> None:
    raw = _columns().to_bytes("3 4 abc")
    read, mark = MatchColumns.from_bytes(raw)
    assert mark == "3 4 abc" and read.last_seq == 11
    assert read.starts.tolist() == [0, 3, 6, 8, 11]
    for damaged in (b"", raw[:-30], raw[:200], b"PK" + raw[5:]):
        with pytest.raises(ValueError):
            MatchColumns.from_bytes(damaged)


def test_matches_of_a_batch_are_of_one_company_although_each_leaves_another_out() -> None:
    networks, scripts = set(range(10, 19)), [1, 2, 3]
    batch = [(*sorted(networks - {10 + i}), scripts[i % 3], 4) for i in range(6)]
    other = [(*range(20, 30),), (*range(30, 40),), (*range(5, 10), *range(40, 45))]
    matches = [(seats, tuple(range(1, 11))) for seats in (*batch, *other, batch[0])]
    found = MatchColumns.of_matches(matches).line_ups().tolist()
    # Two of a batch share 7 of 10 members or more; two of 39 share 100 / 39 = 2.6 by chance.
    assert len(set(found[:6])) == 1
    assert len(set(found[5:9])) == 4
    assert found[9] == found[0]  # the same members, much later
