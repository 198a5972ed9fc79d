"""Out of the league, trained on with plain libraries, and back as a child of the member it was."""

from __future__ import annotations

import base64
import json
import zipfile
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import safetensors.torch
import torch
from sb3_contrib import MaskablePPO
from stable_baselines3 import PPO

import arena  # noqa: F401  # registers Territory-v0
from agents.snapshots import SnapshotStore
from arena.foreign import MAX_TEXT_BYTES
from arena.territory.observation.views import ACTION_VERSION, OBSERVATION_VERSION, SMALL_VIEWS
from db import queries
from db.records import MemberRecord
from db.session import open_writer, read_transaction
from league.cli.main import main
from league.errors import MemberError
from league.folder.layout import LeagueFolder
from league.folder.memory import stored_season
from league.members.entry import add_member
from league.members.exports import export_member
from league.members.imports import import_member
from league.members.origin import ATTRIBUTE, Origin, Outside, read_outside
from league.rating.trueskill import child_rating
from msattn.actor_critic import ActorCritic
from msattn.config import TorsoConfig
from msattn.sb3 import policy_kwargs
from tests.schemas import fits

torch.set_num_threads(1)
MAP = "generated:continents:64x64:1"


def _env() -> gymnasium.Env[Any, Any]:
    return gymnasium.make("Territory-v0", map=MAP)


def _member(folder: LeagueFolder, name: str = "mine", trained: int = 10_000) -> MemberRecord:
    from agents.description import SnapshotDescription

    description = SnapshotDescription(
        "attention",
        OBSERVATION_VERSION,
        ACTION_VERSION,
        TorsoConfig.preset("small", SMALL_VIEWS.shapes()),
        SMALL_VIEWS.shapes(),
        lineage=name,
        trained_decisions=trained,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(trained)
        network = ActorCritic("attention", description.shapes, description.torso)
    sha256 = SnapshotStore(folder.snapshots).save(network.state_dict(), description)
    return add_member(folder, f"snapshot:{sha256}", name)


def _rating(folder: LeagueFolder, member: MemberRecord) -> tuple[float, float]:
    engine = open_writer(folder.sqlite)
    with read_transaction(engine) as session:
        season = stored_season(session)
        assert season is not None
        found = queries.latest_rating(session, member.id, season.rules_sha256)
    engine.dispose()
    assert found is not None
    return found.mu, found.sigma


def test_a_member_trained_on_with_plain_sb3_comes_back_as_its_child(
    hand_made_league: LeagueFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = _member(hand_made_league)
    path = export_member(hand_made_league, "mine", "sb3", tmp_path / "m.zip")
    env = _env()
    model = MaskablePPO.load(path, env=env, n_steps=32, batch_size=16, device="cpu")
    assert model.gamma == 0.99 and model.gae_lambda == 0.8  # the league's, and not SB3's 0.95
    seen, _ = env.reset(seed=1)
    model.predict(seen, action_masks=env.unwrapped.action_masks())  # type: ignore[attr-defined]
    model.learn(64)
    model.save(tmp_path / "better.zip")

    arguments = ["--league", str(hand_made_league.root), "import", str(tmp_path / "better.zip")]
    assert main([*arguments, "--name", "better", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    fits(said)
    assert (said["name"], said["parent"]) == ("better", "mine")
    assert main(["--league", str(hand_made_league.root), "members", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)["members"]
    assert [row["parent"] for row in listed if row["name"] in ("mine", "better")] == [None, "mine"]
    engine = open_writer(hand_made_league.sqlite)
    with read_transaction(engine) as session:
        child = queries.member_by_name(session, "better")
    engine.dispose()
    assert child is not None
    assert (child.family, child.parent_id, child.generation) == ("attention", mine.id, 1)
    assert child.trained_decisions == 10_000 + 64
    assert child.snapshot_sha256 != mine.snapshot_sha256
    assert _rating(hand_made_league, child) == pytest.approx(
        child_rating(*_rating(hand_made_league, mine), 25 / 6)
    )


def test_a_loaded_model_has_a_rollout_to_learn_from(
    hand_made_league: LeagueFolder, tmp_path: Path
) -> None:
    _member(hand_made_league)
    path = export_member(hand_made_league, "mine", "sb3", tmp_path / "m.zip")
    model = MaskablePPO.load(path, env=_env(), device="cpu")
    assert (model.n_steps, model.batch_size) == (512, 64)


def test_an_exported_zip_holds_no_code_of_this_python(
    hand_made_league: LeagueFolder, tmp_path: Path
) -> None:
    """DLR-RM/stable-baselines3#1122, #2115: pickled functions that other versions cannot load."""
    _member(hand_made_league)
    path = export_member(hand_made_league, "mine", "sb3", tmp_path / "m.zip")
    with zipfile.ZipFile(path) as archive:
        data = json.loads(archive.read("data"))
    pickles = {
        key: base64.b64decode(value[":serialized:"])
        for key, value in data.items()
        if isinstance(value, dict) and ":serialized:" in value
    }
    assert {"observation_space", "clip_range", "lr_schedule"} <= pickles.keys()
    for key, raw in pickles.items():
        assert b"cloudpickle" not in raw, key  # it packs functions as code objects
        assert str(Path.cwd()).encode() not in raw and str(tmp_path).encode() not in raw, key


def test_a_network_built_outside_is_imported_without_naming_its_family(
    hand_made_league: LeagueFolder, tmp_path: Path
) -> None:
    model = PPO(
        "MultiInputPolicy",
        _env(),
        n_steps=16,
        batch_size=16,
        n_epochs=1,
        policy_kwargs=policy_kwargs("baseline"),
        device="cpu",
    )
    model.learn(16)
    model.save(tmp_path / "fresh.zip")
    member = import_member(hand_made_league, tmp_path / "fresh.zip")
    assert (member.family, member.parent_id, member.trained_decisions) == ("baseline", None, 16)


def test_sb3s_own_network_is_refused_with_what_to_build_instead(
    hand_made_league: LeagueFolder, tmp_path: Path
) -> None:
    PPO("MultiInputPolicy", _env(), n_steps=16, batch_size=16).save(tmp_path / "nature.zip")
    with pytest.raises(MemberError, match=r"policy_kwargs=msattn\.sb3\.policy_kwargs"):
        import_member(hand_made_league, tmp_path / "nature.zip")


def test_safetensors_trained_outside_come_back_under_the_parent_that_is_named(
    hand_made_league: LeagueFolder, tmp_path: Path
) -> None:
    mine = _member(hand_made_league)
    path = export_member(hand_made_league, "mine", "safetensors", tmp_path / "m.safetensors")
    weights = safetensors.torch.load_file(path)
    space = _env().observation_space
    network = ActorCritic("attention", space, TorsoConfig.preset("small", space))
    network.load_state_dict(weights)
    with torch.no_grad():
        network.value_net.bias += 1.0  # what training outside would do
    back = tmp_path / "back.safetensors"
    safetensors.torch.save_file(network.state_dict(), back)
    child = import_member(hand_made_league, back, None, "back", "mine")
    assert (child.parent_id, child.family) == (mine.id, "attention")
    assert child.trained_decisions == 10_000
    again = SnapshotStore(hand_made_league.snapshots).load(str(child.snapshot_sha256))
    assert torch.equal(again.network.value_net.bias, weights["value_net.bias"] + 1.0)


def test_a_wrong_parent_is_one_sentence(hand_made_league: LeagueFolder, tmp_path: Path) -> None:
    _member(hand_made_league)
    whole = export_member(hand_made_league, "mine", "safetensors", tmp_path / "m.safetensors")
    bare = tmp_path / "bare.safetensors"
    safetensors.torch.save_file(safetensors.torch.load_file(whole), bare)
    with pytest.raises(MemberError, match="expected a member with a network, found tribe"):
        import_member(hand_made_league, bare, None, "a", "tribe")
    with pytest.raises(MemberError, match="child of mine to be of its family 'attention'"):
        import_member(hand_made_league, bare, "baseline", "a", "mine")
    with pytest.raises(MemberError, match="a snapshot says itself whose child it is"):
        import_member(hand_made_league, whole, None, "a", "mine")


def test_a_child_of_a_member_elsewhere_joins_with_a_note(
    hand_made_league: LeagueFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from tests.league.hand_made import make_league

    mine = _member(hand_made_league)
    path = export_member(hand_made_league, "mine", "sb3", tmp_path / "m.zip")
    other = make_league(tmp_path / "other")
    assert main(["--league", str(other.root), "import", str(path)]) == 0
    said = capsys.readouterr()
    assert f"snapshot {str(mine.snapshot_sha256)[:12]}, is not a member here" in said.err
    assert "child of" not in said.out


def test_what_a_zip_says_of_itself_is_believed_only_as_far_as_it_is_ours() -> None:
    origin = Origin("a" * 64, "mine", "attention", 500)

    def said(**changes: object) -> Outside:
        content = {"num_timesteps": 64, ATTRIBUTE: origin.to_dict() | changes}
        return read_outside(json.dumps(content).encode())

    assert said() == Outside(origin, 64) and said().trained_decisions == 564
    assert Outside(origin, 600).trained_decisions == 600  # reset_num_timesteps=False
    for key, value in (
        ("sha256", "../../x"),
        ("sha256", 3),
        ("name", None),
        ("family", "scripted"),
        ("trained_decisions", -1),
        ("trained_decisions", True),
        ("trained_decisions", 1.5),
    ):
        assert said(**{key: value}).origin is None, (key, value)
    for raw in (b"", b"[]", b"\x80\x04", b'{"num_timesteps": -3}', b'{"num_timesteps": true}'):
        assert read_outside(raw) == Outside(), raw


def test_a_zip_with_an_enormous_description_is_taken_for_one_without(
    hand_made_league: LeagueFolder, tmp_path: Path
) -> None:
    _member(hand_made_league)
    path = export_member(hand_made_league, "mine", "sb3", tmp_path / "m.zip")
    packed = tmp_path / "packed.zip"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new:
        new.writestr("policy.pth", old.read("policy.pth"))
        new.writestr("data", b" " * (MAX_TEXT_BYTES + 1))
    assert import_member(hand_made_league, packed, None, "bomb").parent_id is None


def test_an_exported_network_sees_the_frame_and_does_not_need_it() -> None:
    env = _env()
    seen, _ = env.reset(seed=3)
    plain = gymnasium.make("Territory-v0", map=MAP, with_frames=False)
    bare, _ = plain.reset(seed=3)
    assert seen["tactical"].shape == (12, 36, 36) and bare["tactical"].shape == (12, 16, 16)
    for family in ("attention", "baseline"):
        space = env.observation_space
        network = ActorCritic(family, space, TorsoConfig.preset("small", space))
        with torch.no_grad():
            logits = [
                network({k: torch.from_numpy(np.asarray(x)[None]) for k, x in each.items()})[0]
                for each in (seen, bare)
            ]
        assert torch.equal(*logits)
