"""What leaves a league computes the same elsewhere; what enters is a network of this league."""

from __future__ import annotations

import io
import os
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

from agents.description import SnapshotDescription
from agents.encoding import noise_observations
from agents.errors import SnapshotCorruptError
from agents.inference import FrozenPolicy, prepare, rows_per_pass
from agents.snapshots import LoadedSnapshot, SnapshotStore
from arena.territory.observation.space import framed
from arena.territory.observation.views import (
    ACTION_VERSION,
    CLASSIC_VIEWS,
    OBSERVATION_VERSION,
    SMALL_VIEWS,
)
from db.session import open_writer, write_transaction
from league.cli.main import main
from league.errors import MemberError
from league.folder.layout import LeagueFolder
from league.members.entry import add_member
from league.members.exports import OPSET, check_rows, export_member
from league.members.imports import has_no_seal, import_member
from msattn.actor_critic import ActorCritic, orthogonal_init
from msattn.config import TorsoConfig

torch.set_num_threads(1)
SMALL = TorsoConfig.preset("small", SMALL_VIEWS.shapes())
WITH_VIEWS = TorsoConfig.preset("small", SMALL_VIEWS.shapes(), views="gated")


def _network(family: str = "attention", torso: TorsoConfig = SMALL) -> ActorCritic:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        network = ActorCritic(family, SMALL_VIEWS.shapes(), torso)
        orthogonal_init(network.action_net, 1.0)  # logits that differ
        return network.eval()


def _add(
    folder: LeagueFolder, family: str, name: str, torso: TorsoConfig = SMALL
) -> LoadedSnapshot:
    """A member with fresh weights."""
    description = SnapshotDescription(
        family, OBSERVATION_VERSION, ACTION_VERSION, torso, SMALL_VIEWS.shapes(), lineage=name
    )
    store = SnapshotStore(folder.snapshots)
    sha256 = store.save(_network(family, torso).state_dict(), description)
    add_member(folder, f"snapshot:{sha256}", name)
    return store.load(sha256)


def _logits(loaded: LoadedSnapshot, rows: dict[str, torch.Tensor]) -> np.ndarray:
    with torch.inference_mode():
        return loaded.network(rows)[0].numpy()


_LOAD = """
import sys
import numpy as np
import torch
from sb3_contrib import MaskablePPO
torch.set_num_threads(1)
model = MaskablePPO.load(sys.argv[1], device="cpu")
rows = dict(np.load(sys.argv[2]))
inputs = model.policy.obs_to_tensor(rows)[0]
with torch.inference_mode():
    logits = model.policy.action_net(model.policy.extract_features(inputs))
np.save(sys.argv[3], logits.numpy())
actions, _ = model.predict(rows, action_masks=np.ones((3, 45), dtype=bool), deterministic=True)
assert (actions == logits.numpy().argmax(axis=1)).all()
"""


@pytest.mark.parametrize("family", ["attention", "baseline"])
def test_an_sb3_zip_gives_the_same_logits_in_a_fresh_interpreter_and_on_the_way_back(
    family: str, hand_made_league: LeagueFolder, tmp_path: Path
) -> None:
    loaded = _add(hand_made_league, family, "mine")
    path = export_member(hand_made_league, "mine", "sb3", tmp_path)
    assert path == tmp_path / "mine.zip"
    rows = check_rows(loaded)
    seen = {key: x.numpy() for key, x in rows.items()}
    seen |= {key: framed(seen[key]) for key in ("global", "local", "tactical")}
    seen["action_mask"] = np.ones((3, 45), np.int8)  # as our environments show it
    np.savez(tmp_path / "rows.npz", **seen)
    arguments = [str(path), str(tmp_path / "rows.npz"), str(tmp_path / "logits.npy")]
    subprocess.run(
        [sys.executable, "-c", _LOAD, *arguments],
        check=True,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    expected = _logits(loaded, rows)
    assert np.allclose(np.load(tmp_path / "logits.npy"), expected, atol=1e-5)
    member = import_member(hand_made_league, path, family, "back")
    assert (member.family, member.role) == (family, "main")
    again = SnapshotStore(hand_made_league.snapshots).load(str(member.snapshot_sha256))
    assert np.array_equal(_logits(again, rows), expected)


def test_an_onnx_graph_takes_any_batch_and_gives_the_same_logits(
    hand_made_league: LeagueFolder, tmp_path: Path
) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    loaded = _add(hand_made_league, "attention", "mine", WITH_VIEWS)
    path = export_member(hand_made_league, "mine", "onnx", tmp_path / "graph.onnx")
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    types = {entry.name: entry.type for entry in session.get_inputs()}
    assert types["global"] == "tensor(uint8)" and types["scalars"] == "tensor(float)"
    for n in (1, 64):
        rows = check_rows(loaded, n)
        inputs = {key: x.numpy() for key, x in rows.items()}
        shown = inputs | {key: framed(inputs[key]) for key in ("global", "local", "tactical")}
        for views in (inputs, shown):  # as learners get them, and as our environments show them
            found = session.run(["logits"], views)[0]
            assert np.allclose(found, _logits(loaded, rows), atol=1e-4)


@pytest.mark.parametrize("family", ["attention", "baseline"])
def test_a_network_without_views_leaves_with_the_inputs_that_it_reads(
    hand_made_league: LeagueFolder, tmp_path: Path, family: str
) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    lean = TorsoConfig.preset("small", SMALL_VIEWS.shapes(), views="off")
    loaded = _add(hand_made_league, family, "lean", lean)
    path = export_member(hand_made_league, "lean", "onnx", tmp_path)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    assert [entry.name for entry in session.get_inputs()] == ["scalars", "neighbours"]
    rows = check_rows(loaded, 5)
    read = {key: rows[key].numpy() for key in ("scalars", "neighbours")}
    assert np.allclose(session.run(["logits"], read)[0], _logits(loaded, rows), atol=1e-4)
    # The SB3 model has the whole space of Territory-v0; the export compares its logits.
    assert export_member(hand_made_league, "lean", "sb3", tmp_path).exists()


def test_an_onnx_graph_says_its_opset_and_which_member_it_was(
    hand_made_league: LeagueFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    onnx = pytest.importorskip("onnx")
    loaded = _add(hand_made_league, "attention", "mine")
    out = tmp_path / "graph.onnx"
    arguments = ["--league", str(hand_made_league.root), "export", "mine", str(out)]
    assert main([*arguments, "--format", "onnx"]) == 0
    assert f"opset {OPSET};" in capsys.readouterr().err
    model = onnx.load(str(out))
    assert [opset.version for opset in model.opset_import if not opset.domain] == [OPSET]
    props = {entry.key: entry.value for entry in model.metadata_props}
    assert props["sha256"] == loaded.sha256 and props["name"] == "mine"


def test_onnx_without_its_extra_is_refused(
    hand_made_league: LeagueFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _add(hand_made_league, "attention", "mine")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MemberError, match=r"pip install .*onnxruntime"):
        export_member(hand_made_league, "mine", "onnx", tmp_path)
    assert not list(tmp_path.glob("*.onnx"))


def test_a_snapshot_goes_out_and_into_another_league(
    hand_made_league: LeagueFolder, tmp_path: Path
) -> None:
    from tests.league.hand_made import make_league

    loaded = _add(hand_made_league, "baseline", "mine")
    path = export_member(hand_made_league, "mine", "safetensors", tmp_path)
    with pytest.raises(MemberError, match="already exists"):
        export_member(hand_made_league, "mine", "safetensors", tmp_path)
    other = make_league(tmp_path / "other")
    with pytest.raises(MemberError, match="expected weights of the family 'attention'"):
        import_member(other, path, "attention")
    member = import_member(other, path)
    assert member.snapshot_sha256 == loaded.sha256 and member.family == "baseline"


def test_bare_weights_join_when_they_fit_and_are_refused_with_what_was_found(
    hand_made_league: LeagueFolder, tmp_path: Path
) -> None:
    path = tmp_path / "bare.safetensors"
    safetensors.torch.save_file(_network().state_dict(), path)
    with pytest.raises(MemberError, match=r"expected .* found"):
        import_member(hand_made_league, path, "baseline")
    member = import_member(hand_made_league, path, None, "bare")
    assert (member.name, member.family, member.parent_id) == ("bare", "attention", None)
    wide = TorsoConfig(**{**SMALL.to_dict(), "output": 128})
    safetensors.torch.save_file(_network(torso=wide).state_dict(), path)
    with pytest.raises(MemberError, match=r"expected .*\(45, 136\).* found .*\(45, 168\)"):
        import_member(hand_made_league, path, "attention")
    with pytest.raises(MemberError, match=r"fit neither family \(attention or baseline\)"):
        import_member(hand_made_league, path)


class _Trap:
    """What an attacker puts in place of weights: unpickling it would make a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (Path.touch, (self.path,))


@pytest.mark.parametrize("how", ["torch", "pickle"])
def test_a_zip_that_would_run_code_is_refused_and_does_not(
    how: str, hand_made_league: LeagueFolder, tmp_path: Path
) -> None:
    mark, path, stream = tmp_path / "ran", tmp_path / "evil.zip", io.BytesIO()
    if how == "torch":
        torch.save({"action_net.weight": _Trap(mark)}, stream)
    else:
        stream.write(pickle.dumps(_Trap(mark)))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("policy.pth", stream.getvalue())
        archive.writestr("data", pickle.dumps(_Trap(mark)))
    with pytest.raises(MemberError, match="which was not loaded") as refused:
        import_member(hand_made_league, path, "attention")
    assert not mark.exists()
    # torch's message advises to load it unsafely, and names the setting that does.
    said = str(refused.value).lower()
    assert "weights_only" not in said and "pytorch" not in said and "trust" not in said


def test_a_damaged_snapshot_is_not_taken_for_bare_weights(
    hand_made_league: LeagueFolder, tmp_path: Path
) -> None:
    _add(hand_made_league, "attention", "mine")
    path = export_member(hand_made_league, "mine", "safetensors", tmp_path)
    assert not has_no_seal(path)
    raw = path.read_bytes()
    path.write_bytes(raw.replace(b'"description":"{', b'"description":"['))
    with pytest.raises(SnapshotCorruptError):
        import_member(hand_made_league, path, "attention", "back")
    (before,) = hand_made_league.snapshots.glob("*.safetensors")
    assert has_no_seal(before)


def _sb3_zip(path: Path, policy: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("policy.pth", policy)
    return path


def test_a_small_zip_that_asks_for_gigabytes_is_refused_before_they_are_taken(
    hand_made_league: LeagueFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("league.members.imports._MAX_POLICY_BYTES", 10**6)
    whole = _sb3_zip(tmp_path / "whole.zip", bytes(10**6 + 1))
    stream = io.BytesIO()
    torch.save({"a": torch.zeros(10**6)}, stream)  # 4 MB of zeros
    inner = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(stream.getvalue())) as old,
        zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            new.writestr(name, old.read(name))
    packed = _sb3_zip(tmp_path / "packed.zip", inner.getvalue())
    stream = io.BytesIO()
    torch.save({"a": torch.zeros(1).expand(5 * 10**9)}, stream)  # 20 GB, four bytes stored
    repeated = _sb3_zip(tmp_path / "repeated.zip", stream.getvalue())
    for path in (whole, packed, repeated):
        assert path.stat().st_size < 10_000
        with pytest.raises(MemberError, match="bytes unpacked, expected at most 1,000,000"):
            import_member(hand_made_league, path, "attention")


def test_a_zip_with_a_damaged_member_is_one_sentence(
    hand_made_league: LeagueFolder, tmp_path: Path
) -> None:
    stream = io.BytesIO()
    torch.save(_network().state_dict(), stream)
    path = _sb3_zip(tmp_path / "model.zip", stream.getvalue())
    raw = bytearray(path.read_bytes())
    for at in range(200, 400):  # inside the packed bytes of the only member
        raw[at] ^= 0xFF
    path.write_bytes(raw)
    with pytest.raises(MemberError, match="expected a readable SB3 zip"):
        import_member(hand_made_league, path, "attention")


def test_files_that_are_no_network_are_one_sentence(
    hand_made_league: LeagueFolder, tmp_path: Path
) -> None:
    text, archive = tmp_path / "notes.txt", tmp_path / "photos.zip"
    text.write_text("no network at all")
    with zipfile.ZipFile(archive, "w") as stream:
        stream.writestr("a.txt", "b")
    with pytest.raises(MemberError, match="found none of them"):
        import_member(hand_made_league, text, "attention")
    with pytest.raises(MemberError, match=r"expected an SB3 model with policy\.pth"):
        import_member(hand_made_league, archive, "attention")
    with pytest.raises(MemberError, match="has no snapshot to export"):
        export_member(hand_made_league, "tribe", "sb3", tmp_path)


def test_an_import_waits_for_the_writer_beside_it(
    hand_made_league: LeagueFolder, tmp_path: Path
) -> None:
    import threading

    path = tmp_path / "bare.safetensors"
    safetensors.torch.save_file(_network().state_dict(), path)
    engine = open_writer(hand_made_league.sqlite)
    joined: list[str] = []
    thread = threading.Thread(
        target=lambda: joined.append(
            import_member(hand_made_league, path, "attention", "late").name
        )
    )
    with write_transaction(engine):
        thread.start()
        thread.join(0.5)
        assert not joined
    thread.join(10)
    engine.dispose()
    assert joined == ["late"]


@pytest.mark.parametrize("family", ["attention", "baseline"])
@pytest.mark.parametrize("norm", ["group", "batch"])
@pytest.mark.parametrize("torso", [SMALL, TorsoConfig.preset("small")])
def test_a_frozen_policy_gives_the_same_logits(family: str, norm: str, torso: TorsoConfig) -> None:
    # With open gates, or nothing of the views would be compared.
    torso = TorsoConfig(**{**torso.to_dict(), "norm": norm, "views": "on"})
    network = _network(family, torso).requires_grad_(False)
    noise = noise_observations(SMALL_VIEWS.shapes(), 9)
    rows = {key: torch.from_numpy(x) for key, x in noise.items()}
    floats = {k: x / 255.0 if x.dtype == torch.uint8 else x for k, x in rows.items()}
    with torch.inference_mode():
        expected = network(rows)
        prepared = FrozenPolicy(network)
        for inputs in (rows, floats):  # images in 0..1 are taken as they are
            for found, wanted in zip(prepared(inputs), expected, strict=True):
                assert torch.allclose(found, wanted, atol=1e-4)


def test_a_pass_holds_as_many_rows_as_twelve_mebibytes_of_the_largest_view() -> None:
    # classic: 4 * 12 * 128 * 128 = 786,432 bytes a row; small: 4 * 12 * 32 * 32 = 49,152
    assert rows_per_pass(CLASSIC_VIEWS.shapes()) == 16
    assert rows_per_pass(SMALL_VIEWS.shapes()) == 256


def test_a_network_is_frozen_where_that_pays() -> None:
    cpu, network = torch.device("cpu"), _network(torso=WITH_VIEWS)
    assert prepare(network, cpu, SMALL_VIEWS.shapes()) is network
    assert prepare(network, torch.device("cuda"), CLASSIC_VIEWS.shapes()) is network
    assert isinstance(prepare(network, cpu, CLASSIC_VIEWS.shapes()), FrozenPolicy)
