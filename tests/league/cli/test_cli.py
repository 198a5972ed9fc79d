from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from arena.territory.maps import generate_map, save_map
from db.session import open_writer, write_transaction
from league.cli.main import league, main
from league.cli.options import Duration
from league.folder.layout import LeagueFolder
from league.members.entry import ensure_guest, identify

HEAVY = ("torch", "numba", "scipy", "pandas", "matplotlib", "stable_baselines3")


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.delenv("LEAGUE_DIR", raising=False)


def _commands(
    group: click.Command, path: tuple[str, ...] = ()
) -> Iterator[tuple[str, click.Command]]:
    yield " ".join(path), group
    if isinstance(group, click.Group):
        for name, command in group.commands.items():
            yield from _commands(command, (*path, name))


COMMANDS = dict(_commands(league))


def _imported(arguments: list[str]) -> set[str]:
    """Top-level modules that a command imports, from -X importtime."""
    ran = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "league.cli", *arguments],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in ran.stderr.splitlines()}


def test_help_imports_nothing_heavy() -> None:
    found = _imported(["--help"])
    assert not found & {*HEAVY, "numpy", "sqlalchemy", "rich", "pydantic"}


@pytest.mark.parametrize("command", ["report", "curves"])
def test_a_report_imports_nothing_heavy(command: str, hand_made_league: LeagueFolder) -> None:
    found = _imported([command, "--league", str(hand_made_league.root)])
    assert not found & {*HEAVY, "pydantic", "alembic"}  # numpy: intervals are computed from the log


@pytest.mark.parametrize("name", COMMANDS)
def test_every_help_has_two_examples_that_parse(name: str) -> None:
    command = COMMANDS[name]
    shown = [
        line.strip() for line in (command.epilog or "").splitlines() if line.startswith("  league ")
    ]
    assert len(shown) >= 2
    for example in shown:
        words = example.split()[1:]
        current: click.Command = league
        while isinstance(current, click.Group) and words and words[0] in current.commands:
            current = current.commands[words.pop(0)]
        current.make_context(current.name, words, resilient_parsing=False)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_takes_the_league_folder(name: str) -> None:
    options = [option for param in COMMANDS[name].params for option in param.opts]
    assert "--league" in options


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("5m", 300), ("2h", 7200), ("1h30m", 5400), ("0.5s", 0.5)]
)
def test_durations(text: str, seconds: float) -> None:
    assert Duration().convert(text, None, None) == seconds


@pytest.mark.parametrize("text", ["banana", "", "5", "0s", "-1m", "m", "1m1h"])
def test_a_text_that_is_not_a_duration_is_a_sentence(text: str) -> None:
    with pytest.raises(click.BadParameter, match="expected a duration such as 90s"):
        Duration().convert(text, None, None)


def _write_bad_maps(folder: Path) -> None:
    for name in ("cut", "sizes", "sea"):
        save_map(generate_map("lakes", 64, 64, 1), folder / name)
    cut = folder / "cut" / "map.bin"
    cut.write_bytes(cut.read_bytes()[:-7])
    manifest = folder / "sizes" / "manifest.json"
    values = json.loads(manifest.read_text())
    values["map"]["width"] = 65
    manifest.write_text(json.dumps(values))
    (folder / "sea" / "map.bin").write_bytes(bytes(64 * 64))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("start --for banana", "expected a duration"),
        ("start --preset huge", "expected one of small, classic"),
        ("start --set learner.x=1", "unknown key learner.x"),
        ("start --map missing", "found nothing there"),
        ("start --map cut", "expected 4096 bytes"),
        ("start --map sizes", "expected 4160 bytes"),
        ("start --map sea", "at least one land tile"),
        ("start --league cut", "expected a league folder or an empty one"),
        ("stop --league cut", "expected a league folder with league.toml"),
        ("status", "found no such folder"),
        ("report --league cut", "expected a league folder with league.toml"),
        ("report --live --json", "give only one of"),
        ("report --nonsense", "No such option"),
        ("dance", "No such command"),
        ("members", "found no such folder"),
        ("members add scripted:tribe", "found no such folder"),
        ("members retire", "Missing argument"),
        ("maps check cut", "the file is truncated"),
        ("maps check generated:moon:64x64:1", "expected one of the presets"),
        ("maps generate --size 3", "expected WIDTHxHEIGHT"),
        ("maps generate --out cut", "expected a new or empty folder"),
        ("maps show missing", "found nothing there"),
        ("pit attention-0001 scripted:idle", "need the league that knows them"),
        ("pit scripted:tribe scripted:banana", "no scripted agent 'banana'"),
        ("pit scripted:tribe missing.safetensors", "no snapshot file"),
        ("pit scripted:tribe scripted:idle --matches 1", "--matches"),
        ("pit scripted:tribe scripted:idle --nelo 5 5", "nElo bounds"),
        ("pit scripted:tribe scripted:idle --league nowhere", "found no such folder"),
        ("replay verify 3", "found no such folder"),
        ("replay verify missing.replay", "the replay cannot be read"),
        ("export a b", "found no such folder"),
        ("import missing", "expected a snapshot file"),
        ("rerate", "found no such folder"),
        ("backup", "found no such folder"),
        ("doctor", "found no such folder"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(
    arguments: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _write_bad_maps(Path())
    before = sorted(Path().rglob("*"))
    assert main(arguments.split()) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1 and words in printed.err
    assert sorted(Path().rglob("*")) == before


def test_the_folder_may_stand_before_or_after_the_subcommand(
    hand_made_league: LeagueFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    root = str(hand_made_league.root)
    for arguments in (
        ["--league", root, "members", "list", "--json"],
        ["members", "--league", root, "list", "--json"],
        ["members", "list", "--json", "--league", root],
        ["members", "--json", "--league", root],
    ):
        assert main(arguments) == 0
        names = [row["name"] for row in json.loads(capsys.readouterr().out)["members"]]
        assert names == ["tribe", "random", "idle", "attention-0001", "visitor"]


def test_the_folder_comes_from_the_environment(
    hand_made_league: LeagueFolder,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("LEAGUE_DIR", str(hand_made_league.root))
    assert main(["report", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["matches"] == 3


def test_members_join_retire_and_resume(
    hand_made_league: LeagueFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    there = ["--league", str(hand_made_league.root)]
    assert main(["members", "add", "scripted:turtle", "--name", "slow", *there]) == 0
    assert main(["members", "retire", "slow", *there]) == 0
    assert main(["members", "retire", "slow", *there]) == 2
    assert main(["members", "resume", "slow", *there]) == 0
    assert main(["members", "resume", "visitor", *there]) == 2
    assert main(["members", "add", "scripted:turtle", "--name", "slow", *there]) == 2
    capsys.readouterr()
    main(["report", "--json", *there])
    slow = [m for m in json.loads(capsys.readouterr().out)["members"] if m["name"] == "slow"]
    assert slow[0]["status"] == "active" and slow[0]["sigma"] == pytest.approx(25 / 3)


def test_rerate_finds_the_stored_ratings_and_a_changed_one(
    hand_made_league: LeagueFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    import sqlite3

    there = ["--league", str(hand_made_league.root)]
    assert main(["rerate", "--smooth", *there]) == 0
    assert "bit for bit" in capsys.readouterr().out
    with sqlite3.connect(hand_made_league.sqlite) as connection:
        connection.execute("UPDATE ratings SET mu = mu + 1e-9 WHERE seq = 7")
    connection.close()
    assert main(["rerate", *there]) == 1
    assert "seq 7" in capsys.readouterr().out


def test_rerate_gives_a_league_another_engine_while_it_is_stopped(
    hand_made_league: LeagueFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    from league.daemon.lock import hold_lock

    words = ["rerate", "--engine", "trueskill", "--league", str(hand_made_league.root)]
    with hold_lock(hand_made_league):
        assert main(words) == 2
    assert "already running" in capsys.readouterr().err
    assert main(words) == 2
    assert "expected rating.engine = 'trueskill' there first" in capsys.readouterr().err
    text = hand_made_league.toml.read_text(encoding="utf-8")
    changed = text.replace('engine = "compiled"', 'engine = "trueskill"')
    hand_made_league.toml.write_text(changed, encoding="utf-8")
    assert main(words) == 0
    shown = capsys.readouterr()
    assert "rated anew by trueskill-1, before by chain-1" in shown.err
    assert "replayed by trueskill-1: equal to the stored ratings" in shown.out
    assert main([*words[:1], *words[3:], "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rating_version"] == "trueskill-1"


def test_doctor_misses_a_snapshot(
    hand_made_league: LeagueFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", "--json", "--league", str(hand_made_league.root)]) == 1
    findings = json.loads(capsys.readouterr().out)["findings"]
    (bad,) = [finding["text"] for finding in findings if finding["level"] == "WRONG"]
    assert bad.startswith("snapshots: 0 of 1 good: ")


def test_a_backup_is_a_league(
    hand_made_league: LeagueFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = str(tmp_path / "copy")
    there = ["--league", str(hand_made_league.root)]
    assert main(["backup", copy, *there]) == 0
    assert main(["backup", copy, *there]) == 2
    capsys.readouterr()
    assert main(["report", "--json", "--league", copy]) == 0
    assert json.loads(capsys.readouterr().out)["matches"] == 3


def test_a_generated_map_passes_its_check(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["maps", "generate", "--size", "64x64", "--out", "mine"]) == 0
    assert main(["maps", "check", "mine", "--json"]) == 0
    assert json.loads(capsys.readouterr().out.partition("\n")[2])["width"] == 64


def test_an_interrupted_command_leaves_quietly(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*arguments: object, **named: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("arena.territory.maps.load_map", interrupt)
    assert main(["maps", "check", "generated:lakes:64x64:1"]) == 130
    assert "Traceback" not in capsys.readouterr().err


def test_a_guest_is_taken_up_and_nobody_joins_twice_unnamed(
    hand_made_league: LeagueFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    there = ["--league", str(hand_made_league.root)]
    assert main(["members", "add", "scripted:tribe", *there]) == 2
    assert "tribe (active) already plays scripted:tribe" in capsys.readouterr().err
    engine = open_writer(hand_made_league.sqlite)
    with write_transaction(engine) as session:
        guest = ensure_guest(session, identify("scripted:turtle", hand_made_league.snapshots, None))
    engine.dispose()
    assert guest.status == "guest"
    assert main(["members", "add", "scripted:turtle", *there]) == 0
    capsys.readouterr()
    main(["members", "--json", *there])
    members = json.loads(capsys.readouterr().out)["members"]
    assert [m["status"] for m in members if m["name"] == guest.name] == ["active"]
