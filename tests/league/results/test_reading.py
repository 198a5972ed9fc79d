"""Files of results: what is accepted, and the sentence for what is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from league.errors import ResultsError
from league.results.reading import read_results
from league.results.schema import MatchResults, json_schema
from tests.league.results.logs import line, write

DOCS = Path(__file__).resolve().parents[3] / "docs"


def read(tmp_path: Path, *lines: dict[str, Any]) -> list[MatchResults]:
    return read_results(write(tmp_path / "log.jsonl", list(lines)), "jsonl")


def table(tmp_path: Path, text: str) -> list[MatchResults]:
    path = tmp_path / "poker.csv"
    path.write_text(text)
    return read_results(path, "csv")


def test_the_least_table_has_a_match_a_player_and_a_place(tmp_path: Path) -> None:
    first, second = table(tmp_path, "match,player,place\n1,ann,2\n1,bob,1\n2,bob,1\n2,cid,1\n")
    assert (first.game, first.match, first.places()) == ("poker", "1", [2, 1])
    assert [seat.player for seat in second.seats] == ["bob", "cid"] and second.places() == [1, 1]


def test_places_follow_from_scores_where_none_is_given(tmp_path: Path) -> None:
    (found,) = table(tmp_path, "match,player,score\n1,a,3.5\n1,b,7\n1,c,3.5\n1,d,-2\n")
    assert found.places() == [2, 1, 2, 4]


def test_matches_are_rated_in_the_order_of_their_ends(tmp_path: Path) -> None:
    late = line(1, ["a", "b"], finished_at="2026-01-02T10:00:00+02:00")
    early = line(2, ["a", "b"], finished_at="2026-01-02T07:59:00")  # UTC where no zone is given
    assert [match.match for match in read(tmp_path, late, early)] == ["g2", "g1"]
    unknown = line(3, ["a", "b"])
    assert [match.match for match in read(tmp_path, late, early, unknown)] == ["g1", "g2", "g3"]


def test_keys_that_a_later_minor_form_may_add_are_passed_over(tmp_path: Path) -> None:
    (found,) = read(tmp_path, line(1, ["a", "b"], weather="rain"))
    assert found.match == "g1"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"schema": "nplayer-results/2"}, "line 2: schema: input should be 'nplayer-results/1'"),
        ({"seats": []}, "line 2: seats: tuple should have at least 2 items"),
        ({"match": "g0"}, "line 2: expected every match once, found a second 'g0'"),
        ({"game": "chess"}, "expected the matches of one game, found chess, poker"),
        (
            {"seats": [{"seat": 0, "player": "a", "place": 1}, {"seat": 1, "player": "b"}]},
            "line 2: expected a place for every seat, or a score for every seat",
        ),
        (
            {"seats": [{"seat": n, "player": "a", "place": n + 1} for n in range(2)]},
            "expected one rated seat per player, found several of 'a'",
        ),
        (
            {"seats": [{"seat": 0, "player": p, "place": 1} for p in "ab"]},
            "line 2: expected every seat once",
        ),
        (
            {"seats": [{"seat": n, "player": "ab"[n], "score": float("inf")} for n in range(2)]},
            "line 2: expected one JSON object per line",
        ),
        ({"map_sha256": "abc"}, r"line 2: map_sha256: string should match pattern"),
    ],
)
def test_a_fault_is_one_sentence_with_its_line(
    tmp_path: Path, changes: dict[str, Any], says: str
) -> None:
    with pytest.raises(ResultsError, match=says) as found:
        read(tmp_path, line(0, ["a", "b"]), {**line(1, ["a", "b"]), **changes})
    assert "\n" not in str(found.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "found no match and no player"),
        ("match,name\n1,a\n", "found no player"),
        ("match,player,place\n", "expected matches of the format nplayer-results/1, found none"),
        ("match,player,place\n1,a,1\n2,b,1\n2,c,2\n1,d,2\n", "line 2: seats"),
        ("match,player,place\n1,a,first\n1,b,2\n", r"line 2: seats.0.place: input should be a val"),
    ],
)
def test_a_fault_of_a_table_is_one_sentence(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ResultsError, match=says):
        table(tmp_path, text)


def test_what_is_no_text_or_no_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bytes.jsonl").write_bytes(b"\xff\xfe{}")
    with pytest.raises(ResultsError, match="expected text in UTF-8"):
        read_results(tmp_path / "bytes.jsonl", "jsonl")
    with pytest.raises(ResultsError, match="results: "):
        read_results(tmp_path, "jsonl")
    (tmp_path / "deep.jsonl").write_text("[" * 100_000)
    with pytest.raises(ResultsError, match="line 1: expected one JSON object per line"):
        read_results(tmp_path / "deep.jsonl", "jsonl")


def test_the_schema_on_file_is_that_of_the_program() -> None:
    assert json.loads((DOCS / "results.schema.json").read_text()) == json_schema()


def test_the_page_names_every_key_of_the_format() -> None:
    page = (DOCS / "results.md").read_text()
    schema = json_schema()
    keys = {*schema["properties"], *schema["$defs"]["SeatResult"]["properties"]}
    assert {key for key in keys if f"| `{key}` |" not in page} == set()
