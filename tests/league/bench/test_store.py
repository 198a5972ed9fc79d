"""The benchmark of the store measures what it says, between two places that are there."""

from __future__ import annotations

from pathlib import Path

import pytest

from league.bench import store


def test_files_of_both_places_are_put_got_and_removed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    played: list[str] = []

    def league(root: Path, url: str, seconds: float) -> float:
        played.append(url)
        return 2.0 if url.startswith(str(tmp_path)) else 4.0

    monkeypatch.setattr("league.bench.store._league", league)
    url = str(tmp_path / "elsewhere")

    found = store.run(url, files=3, megabytes=0.01, seconds=1.0)

    for name in ("folder", "store"):
        assert all(found[name][what] > 0.0 for what in ("put_mb_s", "get_mb_s", "copy_mb_s"))
    assert (found["folder"]["matches_per_s"], found["store"]["matches_per_s"]) == (4.0, 2.0)
    assert found["matches_ratio"] == 0.5
    assert [each.startswith(url) for each in played] == [False, True, True, False]  # A B B A
    assert [path for path in Path(url).rglob("*") if path.is_file()] == []
    assert len(store.lines(found)) == 4 and found["url"] == "file"


def test_without_leagues_there_are_only_files(tmp_path: Path) -> None:
    found = store.run(str(tmp_path / "elsewhere"), files=1, megabytes=0.001, seconds=0.0)

    assert found["matches_ratio"] is None and found["store"]["matches_per_s"] is None
    assert len(store.lines(found)) == 3
