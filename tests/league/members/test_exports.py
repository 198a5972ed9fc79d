"""An export that computes other logits than the member is refused, and nothing is written."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import gymnasium
import pytest
import torch
from safetensors.torch import save_file
from sb3_contrib import MaskablePPO
from torch import Tensor, nn

from agents.description import describe
from agents.errors import SnapshotCorruptError
from agents.snapshots import LoadedSnapshot, SnapshotStore
from arena.env import SoloEnv
from arena.territory.observation.views import SMALL_VIEWS
from db import queries
from db.session import open_writer, read_transaction
from league.errors import MemberError
from league.folder.layout import LeagueFolder
from league.members.entry import add_member
from league.members.exports import FORMATS, export_member, onnx_bytes, sb3_bytes
from league.members.imports import import_member
from msattn.actor_critic import policy_weights
from msattn.config import TorsoConfig
from tests.league.tiny_snapshots import tiny_description, tiny_network

MAP = "generated:continents:64x64:1"

Output = tuple[Tensor, Tensor]


def _loaded(folder: LeagueFolder) -> LoadedSnapshot:
    """A snapshot in the league's store."""
    description = tiny_description()
    store = SnapshotStore(folder.snapshots)
    return store.load(store.save(tiny_network(description).state_dict(), description))


def _shift(by: float, loaded: LoadedSnapshot, *, unless_tracing: bool = False) -> LoadedSnapshot:
    """Let the member's network give other logits than its weights alone give."""

    def shifted(module: nn.Module, inputs: Any, output: Output) -> Output:
        # Tracing freezes what a graph does: a branch that it did not see is lost.
        if unless_tracing and torch.jit.is_tracing():
            return output
        return output[0] + by, output[1]

    loaded.network.register_forward_hook(shifted)
    return loaded


@pytest.fixture
def loaded(tmp_path: Path) -> LoadedSnapshot:
    return _loaded(LeagueFolder(tmp_path))


def test_the_sb3_model_of_a_member_passes_its_check(loaded: LoadedSnapshot) -> None:
    assert sb3_bytes(loaded)[:2] == b"PK"  # a zip


@pytest.mark.parametrize("with_wrapper", [False, True])
def test_an_exported_model_plays_and_learns_on_in_our_environment(
    loaded: LoadedSnapshot, with_wrapper: bool
) -> None:
    if with_wrapper:
        env: gymnasium.Env[Any, Any] = gymnasium.make("Territory-v0", map=MAP)
    else:
        env = SoloEnv(MAP)
    model = MaskablePPO.load(
        io.BytesIO(sb3_bytes(loaded)), env=env, n_steps=32, batch_size=16, device="cpu"
    )
    before = {name: x.clone() for name, x in policy_weights(model.policy.state_dict()).items()}
    weights: Any = loaded.network.state_dict()
    assert all(torch.equal(before[name], tensor) for name, tensor in weights.items())

    seen, info = env.reset(seed=1)
    masks = info["action_mask"].astype(bool)
    action, _ = model.predict(seen, action_masks=masks, deterministic=True)
    rows = {key: torch.from_numpy(seen[key][None]) for key in loaded.description.shapes}
    with torch.inference_mode():
        logits = loaded.network(rows)[0][0]
    # The member's own choice: its best legal action.
    assert int(action) == int(logits.masked_fill(~torch.from_numpy(masks), -torch.inf).argmax())

    model.learn(64)
    after = policy_weights(model.policy.state_dict())
    assert model.num_timesteps == 64
    assert any(not torch.equal(after[name], before[name]) for name in before)
    assert all(bool(torch.isfinite(tensor).all()) for tensor in after.values())


# 1e-4 of the largest logit, or of 1, is allowed: these few networks have logits of about 1.
@pytest.mark.parametrize("by", [0.01, float("nan")])
def test_an_sb3_model_with_other_logits_is_refused(loaded: LoadedSnapshot, by: float) -> None:
    with pytest.raises(MemberError, match="exported SB3 model computes logits that differ"):
        sb3_bytes(_shift(by, loaded))


def test_an_onnx_graph_with_other_logits_is_refused(loaded: LoadedSnapshot) -> None:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    assert len(onnx_bytes(loaded)) > 1_000
    with pytest.raises(MemberError, match="exported ONNX graph computes logits that differ"):
        onnx_bytes(_shift(0.01, loaded, unless_tracing=True))


def test_nothing_is_written_when_an_export_is_refused(
    hand_made_league: LeagueFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = _shift(0.01, _loaded(hand_made_league))
    add_member(hand_made_league, f"snapshot:{wrong.sha256}", "mine")
    monkeypatch.setattr(SnapshotStore, "load", lambda store, reference: wrong)
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(MemberError, match="nothing was written"):
        export_member(hand_made_league, "mine", "sb3", out)
    assert list(out.iterdir()) == []


def test_an_unknown_format_and_a_folder_that_is_not_there_are_refused(
    hand_made_league: LeagueFolder, tmp_path: Path
) -> None:
    loaded = _loaded(hand_made_league)
    add_member(hand_made_league, f"snapshot:{loaded.sha256}", "mine")
    with pytest.raises(MemberError, match=f"expected a format of {', '.join(FORMATS)}"):
        export_member(hand_made_league, "mine", "pickle", tmp_path)
    with pytest.raises(MemberError, match="expected the folder"):
        export_member(hand_made_league, "mine", "safetensors", tmp_path / "no" / "mine.st")


def test_a_damaged_snapshot_is_not_exported(hand_made_league: LeagueFolder, tmp_path: Path) -> None:
    loaded = _loaded(hand_made_league)
    add_member(hand_made_league, f"snapshot:{loaded.sha256}", "mine")
    path = SnapshotStore(hand_made_league.snapshots).path(loaded.sha256)
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(raw)
    with pytest.raises(SnapshotCorruptError, match="changed after it was saved"):
        export_member(hand_made_league, "mine", "safetensors", tmp_path)
    assert not (tmp_path / "mine.safetensors").exists()


def test_a_mask_that_a_network_does_not_hold_is_told_and_comes_back_with_its_child(
    hand_made_league: LeagueFolder, tmp_path: Path
) -> None:
    description = tiny_description(
        relation_mask=True, torso=TorsoConfig.preset("small", SMALL_VIEWS.shapes())
    )
    store = SnapshotStore(hand_made_league.snapshots)
    sha256 = store.save(tiny_network(description).state_dict(), description)
    add_member(hand_made_league, f"snapshot:{sha256}", "masked")
    notes: list[str] = []
    path = export_member(hand_made_league, "masked", "sb3", tmp_path / "m.zip", notes.append)
    assert len(notes) == 1 and "agents.relations.relation_mask" in notes[0]
    bare = export_member(hand_made_league, "masked", "safetensors", tmp_path, notes.append)
    assert len(notes) == 1 and describe(bare).relation_mask  # a snapshot says it itself
    weights = tmp_path / "weights.safetensors"
    save_file(store.load(sha256).network.state_dict(), weights)
    engine = open_writer(hand_made_league.sqlite)
    with read_transaction(engine) as session:
        assert queries.member_by_name(session, "masked").details == {"relation_mask": True}
    engine.dispose()
    for source, parent in ((path, None), (weights, "masked")):
        child = import_member(hand_made_league, source, name=f"of-{source.stem}", parent=parent)
        assert child.snapshot_sha256 is not None
        assert describe(store.path(child.snapshot_sha256)).relation_mask, source
