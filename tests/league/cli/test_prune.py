"""`league prune`, and what `league report` and `league members` say afterwards."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from league.cli.main import main
from league.daemon.lock import hold_lock
from league.pruning import prune
from tests.league.daemon.scripted import new_league
from tests.league.pruning.pruned_league import Pruned


@pytest.fixture
def pruned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pruned]:
    """10 replays, the first of them larger than a megabyte, and 2 snapshots of 1 kB."""
    monkeypatch.setattr(prune, "KEEP_LATEST", 3)
    with new_league(tmp_path / "league") as made:
        found = Pruned(made)
        found.start()
        found.play(10)
        found.replay(1).write_bytes(b"r" * 1_200_000)
        yield found


def run(pruned: Pruned, *words: str) -> int:
    return main([*words, "--league", str(pruned.folder.root)])


def document(pruned: Pruned, capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, object]:
    assert run(pruned, *words, "--json") == 0
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


def test_without_a_budget_it_says_how_to_give_one(
    pruned: Pruned, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(pruned, "prune") == 2
    assert "give --replays MB or --snapshots MB" in capsys.readouterr().err
    assert len(pruned.kept()) == 10


def test_a_dry_run_tells_and_a_run_does_it(
    pruned: Pruned, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(pruned, "prune", "--replays", "1", "--dry-run") == 0
    assert capsys.readouterr().out == (
        "replays: 1.2 MB of 1 MB, 1 would be removed, 1.2 MB: matches 1\n"
    )
    assert len(pruned.kept()) == 10
    said = document(pruned, capsys, "prune", "--replays", "1")
    assert said["replays"] == {
        "budget": 1e6,
        "before": 1_200_900,
        "removed": 1,
        "removed_bytes": 1_200_000,
        "matches": [[1, 1]],
    }
    assert said["snapshots"] is None and pruned.kept() == list(range(2, 11))


def test_the_settings_of_the_league_are_its_budget(
    pruned: Pruned, capsys: pytest.CaptureFixture[str]
) -> None:
    toml = pruned.folder.toml
    toml.write_text(toml.read_text().replace('replays = "off"', "replays = 1"))
    assert run(pruned, "prune") == 0
    assert "1 removed" in capsys.readouterr().out and 1 not in pruned.kept()


def test_the_report_says_what_was_pruned(
    pruned: Pruned, capsys: pytest.CaptureFixture[str]
) -> None:
    assert document(pruned, capsys, "report")["disk"] == []
    assert run(pruned, "prune", "--replays", "1") == 0
    capsys.readouterr()
    (row,) = document(pruned, capsys, "report")["disk"]  # type: ignore[misc]
    assert row["pruned_at"] is not None  # type: ignore[index]
    assert {k: v for k, v in row.items() if k != "pruned_at"} == {  # type: ignore[attr-defined]
        "what": "replays",
        "bytes": 900,
        "budget": None,
        "pruned": 1,
        "pruned_bytes": 1_200_000,
    }
    assert run(pruned, "report") == 0
    text = capsys.readouterr().out
    assert "Replays: 0.0 MB, no budget; 1 pruned (1.2 MB), last " in text
    assert "pruned: 1 replays removed" in text  # the event


def test_a_snapshot_goes_at_once_only_if_no_league_runs(
    pruned: Pruned, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, mu in (("old", 1.0), ("older", 0.0), ("champion", 2.0)):
        pruned.add(name, mu)
        pruned.snapshot(pruned.members()[name].snapshot_sha256 or "").write_bytes(b"s" * 600_000)
    with hold_lock(pruned.folder):  # as a daemon does
        assert run(pruned, "prune", "--snapshots", "1", "--json") == 0
    captured = capsys.readouterr()
    said = json.loads(captured.out)["snapshots"]
    assert [row["member"] for row in said["removed"]] == ["older", "old"]
    assert said["stay"] == [{"member": "champion", "reason": "it is a champion"}]
    assert "the files of snapshots go in 60 minutes" in captured.err
    assert pruned.snapshots() == {"old", "older", "champion"}
    assert run(pruned, "prune", "--snapshots", "1") == 0  # stopped now
    captured = capsys.readouterr()
    assert "snapshots: 0.6 MB of 1 MB, 0 removed" in captured.out and captured.err == ""
    assert pruned.snapshots() == {"champion"}
    rows = document(pruned, capsys, "members")["members"]
    reasons = {row["name"]: row["pruned"] for row in rows}  # type: ignore[attr-defined]
    assert reasons["champion"] is None and "keep.snapshots" in reasons["old"]["reason"]
