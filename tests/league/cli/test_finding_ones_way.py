"""`league config`, `league completion`, and what is said of a mistyped name."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from db.session import open_writer, write_transaction
from league.cli.main import league, main
from league.folder.layout import LeagueFolder
from tests.league.hand_made import add_rated


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.delenv("LEAGUE_DIR", raising=False)


def offered(*words: str) -> list[str]:
    """What Tab offers after these words, the last of which may be incomplete."""
    found = ShellComplete(league, {}, "league", "_LEAGUE_COMPLETE").get_completions(
        list(words[:-1]), words[-1]
    )
    return [item.value for item in found if item.type == "plain"]


def test_config_shows_a_new_league_before_its_first_start(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["config", "learner.n_epochs"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("Settings of a new league of the preset small\n")
    assert "  learner.n_epochs = 2   (a whole number from 1 to 100)\n" in out
    assert main(["config", "learner.n_mtches"]) == 2
    assert "did you mean learner.n_matches?" in capsys.readouterr().err


def test_config_shows_what_a_league_has_and_what_differs(
    hand_made_league: LeagueFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    root = str(hand_made_league.root)
    assert main(["config", "--changed", "--json", "--league", root]) == 0
    document = json.loads(capsys.readouterr().out)
    changed = {row["key"]: (row["value"], row["default"]) for row in document["settings"]}
    assert changed == {"rules.n_seats": (4, 10), "learner.seats_per_match": (2, 5)}
    assert document["league"] == root and document["preset"] == "small"
    assert main(["config", "rules", "--league", root]) == 0
    assert "* rules.n_seats = 4   (default 10; a whole number" in capsys.readouterr().out


def test_config_of_a_league_that_is_not_there_is_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["config", "--league", "nowhere"]) == 2
    assert "nowhere: expected a league folder" in capsys.readouterr().err


def test_tab_offers_members_of_the_league_that_was_named(
    hand_made_league: LeagueFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = str(hand_made_league.root)
    assert offered("members", "retire", "") == []  # no league, no offer, no traceback
    assert offered("members", "retire", "--league", root, "t") == ["tribe"]
    monkeypatch.setenv("LEAGUE_DIR", root)
    names = ["attention-0001", "idle", "random", "tribe", "visitor"]
    assert offered("members", "rename", "") == names
    assert offered("pit", "tribe", "att") == ["attention-0001"]
    assert offered("promote", "i") == ["idle"]
    engine = open_writer(hand_made_league.sqlite)
    with write_transaction(engine) as session:
        add_rated(session, "t$(reboot)")
        add_rated(session, "t x")
    engine.dispose()
    assert offered("export", "t") == ["tribe"]  # nothing that a shell would run or split


def test_tab_offers_commands_presets_and_keys() -> None:
    assert "config" in offered("con") and "members" in offered("m")
    assert offered("start", "--preset", "") == ["classic", "real", "small"]
    assert offered("start", "--set", "learner.n_ma") == ["learner.n_matches="]
    assert offered("config", "kee") == ["keep", "keep.replays", "keep.snapshots"]
    assert offered("completion", "") == ["bash", "fish", "zsh"]


@pytest.mark.parametrize("shell", ["bash", "fish", "zsh"])
def test_completion_prints_a_script_for_the_shell(
    shell: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert f"_LEAGUE_COMPLETE={shell}_complete" in script
    if program := shutil.which(shell):
        checked = subprocess.run([program, "-n"], input=script, text=True, check=False)
        assert checked.returncode == 0


def test_bash_completes_with_the_script(hand_made_league: LeagueFolder, tmp_path: Path) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("bash is not installed")
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "league"
    paths = "\n".join(f"sys.path.append({path!r})" for path in sys.path if path)
    program.write_text(
        f"#!{sys.executable}\nimport sys\n{paths}\n"
        "from league.cli.main import main\nsys.exit(main())\n"
    )
    program.chmod(0o755)
    script = (
        f'PATH="{folder}:$PATH"; export LEAGUE_DIR="{hand_made_league.root}"\n'
        'eval "$(league completion bash)"\n'
        "COMP_WORDS=(league members retire tr); COMP_CWORD=3\n"
        '_league_completion league tr retire; echo "${COMPREPLY[@]}"\n'
    )
    found = subprocess.run([bash, "-c", script], capture_output=True, text=True, check=False)
    assert found.stdout.split() == ["tribe"], found.stderr


@pytest.mark.parametrize("flag", ["-V", "--version"])
def test_the_version_has_a_short_option(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([flag]) == 0
    assert capsys.readouterr().out.startswith("league, version ")


def test_a_mistyped_member_is_told_its_neighbours(
    hand_made_league: LeagueFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    root = str(hand_made_league.root)
    assert main(["members", "retire", "atention-0001", "--league", root]) == 2
    assert "did you mean attention-0001? `league members` lists them" in capsys.readouterr().err
    assert main(["members", "retire", "qqqqq", "--league", root]) == 2
    assert "did you mean" not in capsys.readouterr().err
