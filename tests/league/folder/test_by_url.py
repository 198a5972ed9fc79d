"""A league on a server, read by its URL alone, and taken over in a new folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import Engine

from db import queries
from db.hold import DatabaseHold
from db.session import open_reader, read_transaction
from league import open as open_league
from league.cli.main import main
from league.errors import ConfigError, FolderError
from league.folder.by_url import cache_of, league_by_url
from league.folder.layout import LeagueFolder
from league.folder.memory import stored_settings
from league.folder.opening import open_for_start, stored_config
from league.pit.run import PitRequest, run_pit
from tests.league.hand_made import make_league
from tests.league.pit.conftest import DiceArena


@pytest.fixture
def url(
    fresh_postgresql: Engine, postgresql_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> str:
    """The database of an empty schema; the cache of this user lies in the test's folder."""
    monkeypatch.setenv("LEAGUE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("LEAGUE_TEST_PASSWORD", "hush")
    return postgresql_url.replace("league@", "league:${LEAGUE_TEST_PASSWORD}@")


@pytest.fixture
def league(url: str, tmp_path: Path) -> LeagueFolder:
    return make_league(tmp_path / "here", url=url)


def document(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, object]:
    capsys.readouterr()
    main(list(arguments))
    found = json.loads(capsys.readouterr().out)
    assert isinstance(found, dict)
    return found


def test_who_knows_the_url_reads_what_the_folder_reads(
    league: LeagueFolder, url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in ("report", "members", "champion", "results payoff"):
        words = (*command.split(), "--json", "--league")
        there = document(capsys, *words, url)
        here = document(capsys, *words, str(league.root))
        same = there.keys() - {"league", "at", "learners"}  # its name, and times of reading
        assert len(same) > 1
        assert {key: there[key] for key in same} == {key: here[key] for key in same}, command
    with open_league(url) as opened:
        assert opened.standings()["name"].iloc[0] == "attention-0001"
    for path in (tmp_path / "cache").rglob("*"):
        assert path.is_dir() or b"hush" not in path.read_bytes()


def test_who_knows_the_url_plays_a_head_to_head_which_the_league_remembers(
    league: LeagueFolder, url: str, fresh_postgresql: Engine, tmp_path: Path
) -> None:
    request = PitRequest("tribe", "random", n_matches=4, maps=("generated:plains:64x64:1",))
    found = run_pit(request, league_by_url(url), arena=lambda n, settings: DiceArena())
    assert found.n_matches == 4
    with read_transaction(fresh_postgresql) as session:
        played = queries.list_matches(session, status="finished", purpose="pit")
    assert len(played) == 4
    assert {match.replay_path for match in played} == {None}  # no file of it is in the folder
    assert not list((tmp_path / "cache").rglob("*.replay"))
    here = run_pit(request, league, arena=lambda n, settings: DiceArena())
    assert here.estimate == found.estimate  # nothing was played again


def test_a_command_that_needs_the_folder_refuses_a_url_and_says_what_to_do(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    named = url.replace("${LEAGUE_TEST_PASSWORD}", "hush")
    for command in ("start", "stop", "doctor", "backup", "members retire tribe"):
        assert main([*command.split(), "--league", named]) == 2, command
        said = capsys.readouterr().err
        assert "works on the folder of a league" in said and "database.url=URL" in said
        assert "hush" not in said


def test_the_status_by_url_names_who_holds_the_league(
    league: LeagueFolder, url: str, fresh_postgresql: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["status", "--league", url]) == 3
    hold = DatabaseHold(fresh_postgresql)
    try:
        capsys.readouterr()
        assert main(["status", "--league", url]) == 0
        assert capsys.readouterr().out == f"running, held by {hold.name}\n"
        assert document(capsys, "status", "--json", "--league", url)["holder"] == hold.name
    finally:
        hold.close()


def test_a_new_folder_goes_on_with_the_league_of_its_database(
    league: LeagueFolder, url: str, tmp_path: Path
) -> None:
    there = tmp_path / "there"
    sets = [f"database.url={url}", "arena.n_workers=1"]
    with pytest.raises(FolderError, match=r"found those of 0 \(missing: attention-0001\); copy"):
        open_for_start(there, sets=sets)
    assert not there.exists()
    (there / "snapshots").mkdir(parents=True)
    (there / "snapshots" / f"{'d' * 64}.safetensors").touch()
    said: list[str] = []
    opened = open_for_start(there, sets=sets, say=said.append)
    assert opened.is_new and opened.config.rules.n_seats == 4  # not those of a new league: 10
    assert opened.config.arena.n_workers == 1  # what is not frozen may be set anew
    assert "goes on with it" in said[0]
    assert stored_config(opened.folder) == stored_config(league)
    assert "hush" not in opened.folder.toml.read_text()
    again = open_for_start(there)
    assert not again.is_new and again.config == opened.config


def test_a_new_folder_cannot_change_what_the_league_froze(
    league: LeagueFolder, url: str, tmp_path: Path
) -> None:
    sets = [f"database.url={url}", "rules.n_seats=6"]
    with pytest.raises(ConfigError, match=r"rules\.n_seats was frozen .* stored 4, given 6"):
        open_for_start(tmp_path / "there", sets=sets)
    with pytest.raises(ConfigError, match="the league's database says 'small'"):
        open_for_start(tmp_path / "there", "classic", sets[:1])


def test_a_password_is_neither_stored_nor_part_of_a_cache_folders_name(
    url: str, tmp_path: Path
) -> None:
    written = url.replace("${LEAGUE_TEST_PASSWORD}", "hush")
    league = make_league(tmp_path / "here", url=written)
    engine = open_reader(league.database())
    with read_transaction(engine) as session:
        stored = stored_settings(session)
    engine.dispose()
    assert stored is not None and "hush" not in json.dumps(stored)
    here = league_by_url(written)
    assert here.server is not None and "hush" not in repr(here) + str(here.root)
    other = league_by_url(written.replace("hush", "anew"))
    assert cache_of(here.server) == other.root  # one cache, whatever the password is


def test_a_file_is_not_read_by_its_url(tmp_path: Path) -> None:
    with pytest.raises(FolderError, match=f"--league {tmp_path}"):
        league_by_url(f"sqlite:///{tmp_path}/league.db")
