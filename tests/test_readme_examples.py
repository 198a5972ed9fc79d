"""The README's programs run as they are printed, with fewer steps."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from league.cli.main import main
from league.folder.layout import LeagueFolder
from tests.league.hand_made import make_league

torch.set_num_threads(1)
README = (Path(__file__).resolve().parent.parent / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def _block(word: str) -> str:
    (found,) = [block for block in BLOCKS if word in block]
    return str(found)


def _shorter(text: str, *changes: tuple[str, str]) -> str:
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def test_the_ten_lines_with_stable_baselines3_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = _block("from stable_baselines3 import PPO")
    assert len([line for line in text.splitlines() if line.strip()]) <= 10
    names: dict[str, object] = {}
    exec(
        _shorter(text, ("verbose=1", "n_steps=16, batch_size=8, n_epochs=1"), ("100_000", "16")),
        names,
    )
    assert (tmp_path / "first.zip").is_file()
    assert 0 <= int(names["action"]) < 45  # type: ignore[call-overload]


@pytest.fixture
def league_with_a_network(tmp_path: Path) -> LeagueFolder:
    from agents.description import SnapshotDescription
    from agents.snapshots import SnapshotStore
    from arena.territory.observation.views import ACTION_VERSION, OBSERVATION_VERSION, SMALL_VIEWS
    from league.members.entry import add_member
    from msattn.actor_critic import ActorCritic
    from msattn.config import TorsoConfig

    folder = make_league(tmp_path / "league")
    shapes = SMALL_VIEWS.shapes()
    torso = TorsoConfig.preset("small", shapes)
    description = SnapshotDescription(
        "attention", OBSERVATION_VERSION, ACTION_VERSION, torso, shapes, lineage="attention"
    )
    with torch.random.fork_rng(devices=[]):
        network = ActorCritic("attention", shapes, torso)
    sha256 = SnapshotStore(folder.snapshots).save(network.state_dict(), description)
    add_member(folder, f"snapshot:{sha256}", "mine")
    return folder


def test_the_round_trip_runs(
    league_with_a_network: LeagueFolder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LEAGUE_DIR", str(league_with_a_network.root))
    export = re.findall(r"^league (export .*--format sb3)$", README, re.MULTILINE)
    back = re.findall(r"^league (import .*)$", README, re.MULTILINE)
    assert len(export) == len(back) == 1
    assert main(export[0].replace("attention-0003", "mine").split()) == 0
    text = _block("MaskablePPO.load")
    exec(_shorter(text, ("env=env", "env=env, n_steps=16, batch_size=8"), ("50_000", "16")), {})
    capsys.readouterr()
    assert main(back[0].split()) == 0
    assert capsys.readouterr().out.startswith("better joined the pool (attention, snapshot:")


def test_the_recipe_for_a_plug_in_runs_where_its_file_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_league(tmp_path / "league")
    bots = tmp_path / "bots"
    bots.mkdir()
    (bots / "mybots.py").write_text(_block("class Grabber"))
    monkeypatch.chdir(bots)
    monkeypatch.setenv("LEAGUE_DIR", str(folder.root))
    lines = re.findall(r"^league (members (?:check|add) plugin:.*)$", README, re.MULTILINE)
    assert [line.split()[1] for line in lines] == ["check", "add"]
    for line in lines:
        assert main(line.split()) == 0, capsys.readouterr().err
    out = capsys.readouterr().out
    assert "keeps the agent contract" in out and "mybots.make joined" in out
    monkeypatch.chdir(tmp_path)  # it is named by its whole path
    assert main(["members"]) == 0
    assert f"plugin:{bots / 'mybots.py'}:make"[:40] in capsys.readouterr().out
