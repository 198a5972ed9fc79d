"""Owns how weights leave a league: SB3 zips, ONNX graphs, safetensors.

Promises: an exported network computes the member's logits (checked before the file is written); a
file is written completely or not at all, and an existing one is never replaced.
"""

from __future__ import annotations

import importlib.util
import io
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from agents.encoding import noise_observations
from agents.seal import sealed
from agents.snapshot_files import MAX_SNAPSHOT_BYTES
from agents.snapshots import SnapshotStore
from arena.files import write_whole
from arena.foreign import read_foreign
from arena.territory.observation.space import framed, observation_space
from league.config.tree import LeagueConfig
from league.errors import MemberError
from league.extras import install_command
from league.folder.connect import reading
from league.folder.layout import LeagueFolder
from league.folder.memory import started_settings
from league.members.entry import find_member, views_of
from league.members.names import made_name
from league.members.origin import ATTRIBUTE, Origin
from league.members.pruned import require_snapshot
from msattn.actor_critic import ActorCritic, policy_weights
from msattn.config import SCALES

if TYPE_CHECKING:
    from agents.snapshots import LoadedSnapshot
    from league.config.training import LearnerConfig

FORMATS = ("sb3", "onnx", "safetensors")
SUFFIXES = {"sb3": ".zip", "onnx": ".onnx", "safetensors": ".safetensors"}
OPSET = 17  # the newest that torch's tracing exporter and onnxruntime 1.20 both support well
_TOLERANCE = 1e-4
_N_CHECKED_ROWS = 3
_SB3_ROLLOUT, _SB3_BATCH = 512, 64  # to learn on with; SB3's 2,048 classic views take 900 MB


def export_member(
    folder: LeagueFolder,
    text: str,
    kind: str,
    out: Path | None = None,
    note: Callable[[str], None] = lambda text: None,
) -> Path:
    """Write a member's network to a new file; return its path.

    Args:
        text: name, agent spec or hash prefix of the member.
        kind: one of FORMATS.
        out: a file, or a folder to put NAME.zip, .onnx or .safetensors in; None is the current
            folder.
        note: called with a sentence on what the file cannot hold.

    Raises:
        MemberError: the member has no snapshot, or it was pruned; the target exists, an extra is
            missing, or the exported network computes different logits.
        SnapshotError: the snapshot is damaged.
    """
    if kind not in FORMATS:
        raise MemberError(f"expected a format of {', '.join(FORMATS)}, found {kind!r}")
    with reading(folder) as session:
        member = find_member(session, text)
        learner = LeagueConfig.from_json(started_settings(session, folder)).learner
    if member.snapshot_sha256 is None:
        raise MemberError(
            f"{member.name} has no snapshot to export: it plays {member.agent_spec}; "
            "`league members` lists those that have one"
        )
    require_snapshot(folder.snapshot_place(), member)
    path = Path() if out is None else out
    if path.is_dir():
        # A name of an older league may hold "/" and "..": the file still lies in the folder.
        path = path / f"{made_name(member.name)}{SUFFIXES[kind]}"
    if path.exists():
        raise MemberError(f"{path} already exists; name another file with --out")
    if not path.parent.is_dir():
        raise MemberError(f"expected the folder {path.parent} for the exported file, found none")
    store = SnapshotStore(folder.snapshot_place())
    loaded = store.load(member.snapshot_sha256)
    masked = loaded.description.relation_mask
    origin = Origin(loaded.sha256, member.name, member.family, member.trained_decisions, masked)
    if masked and kind != "safetensors":  # a snapshot's description says it
        note(
            f"{member.name} plays with the relation mask, which is not part of its network: where "
            "it plays outside a league, give it agents.relations.relation_mask(mask, directions) "
            "in place of the legal actions"
        )
    if kind == "sb3":
        raw = sb3_bytes(loaded, origin, learner)
    elif kind == "onnx":
        raw = onnx_bytes(loaded, origin)
    else:
        raw = sealed(read_foreign(store.file(loaded.sha256), MAX_SNAPSHOT_BYTES))
    write_whole(path, raw, durable=True)
    return path


def check_rows(loaded: LoadedSnapshot, n: int = _N_CHECKED_ROWS) -> dict[str, Tensor]:
    """Return a few fixed observations on which an exported network is compared."""
    noise = noise_observations(loaded.description.shapes, n)
    return {key: torch.from_numpy(rows) for key, rows in noise.items()}


def _require_equal(what: str, found: Tensor, expected: Tensor) -> None:
    worst = float((found - expected).abs().max())
    # Written so that NaN fails.
    if not worst <= _TOLERANCE * max(1.0, float(expected.abs().max())):
        raise MemberError(
            f"the exported {what} computes logits that differ from the member's by up to "
            f"{worst:.3g}; nothing was written, please report this as a bug"
        )


def sb3_bytes(
    loaded: LoadedSnapshot, origin: Origin | None = None, learner: LearnerConfig | None = None
) -> bytes:
    """Return a saved `MaskablePPO` with a snapshot's weights; it loads where msattn is installed.

    It has the observation space of `arena.env`, mask and frames included, so that
    `MaskablePPO.load("m.zip", env=env).learn(...)` goes on in `Territory-v0` with the same views.

    Args:
        origin: what the model shall say of itself; `league import` finds its parent by it.
        learner: discount, entropy bonus and step size to go on with, those at the schedules' end;
            None takes SB3's.
    """
    import gymnasium as gym
    from sb3_contrib import MaskablePPO
    from stable_baselines3.common.vec_env import DummyVecEnv

    from msattn.sb3 import policy_kwargs

    description = loaded.description
    space = observation_space(views_of(description))

    class Spaces(gym.Env[Any, Any]):
        """Holds the league's spaces; nothing is ever played in it."""

        observation_space = space
        action_space = gym.spaces.Discrete(description.n_actions)

    settings: dict[str, Any] = {}
    if learner is not None:
        end_rate, end_ent = learner.learning_rate_end, learner.ent_coef_end
        settings = {
            "gamma": learner.gamma,
            "gae_lambda": learner.gae_lambda,
            "learning_rate": learner.learning_rate if end_rate is None else end_rate,
            "ent_coef": learner.ent_coef if end_ent is None else end_ent,
            "vf_coef": learner.vf_coef,
            "clip_range": learner.clip_range,
            "target_kl": learner.target_kl,
        }
    # Building a policy draws weights, which must not disturb the streams of a running learner.
    with torch.random.fork_rng(devices=[]):
        model = MaskablePPO(
            "MultiInputPolicy",
            DummyVecEnv([Spaces]),
            n_steps=_SB3_ROLLOUT,
            batch_size=_SB3_BATCH,
            policy_kwargs=policy_kwargs(description.family, description.torso),
            device="cpu",
            **settings,
        )
    if origin is not None:
        setattr(model, ATTRIBUTE, origin.to_dict())
    policy: Any = model.policy
    policy.load_state_dict(loaded.network.state_dict(), strict=False)
    policy.set_training_mode(False)
    if policy_weights(policy.state_dict()).keys() != loaded.network.state_dict().keys():
        raise MemberError("Stable-Baselines3 built a network unlike the member's; nothing written")
    rows = check_rows(loaded)
    rows |= {key: torch.from_numpy(framed(rows[key].numpy())) for key in SCALES if key in rows}
    with torch.inference_mode():
        features = policy.extract_features({key: x.float() for key, x in rows.items()})
        _require_equal("SB3 model", policy.action_net(features), loaded.network(rows)[0])
    stream = io.BytesIO()
    model.save(stream)
    return stream.getvalue()


class _Positional(nn.Module):
    """The network with one argument per input, as an ONNX graph needs them."""

    def __init__(self, network: ActorCritic, keys: tuple[str, ...]) -> None:
        super().__init__()
        self.network = network
        self.keys = keys

    def forward(self, *inputs: Tensor) -> tuple[Tensor, Tensor]:
        logits, value = self.network(dict(zip(self.keys, inputs, strict=True)))
        return logits, value


def onnx_bytes(loaded: LoadedSnapshot, origin: Origin | None = None) -> bytes:
    """Return an ONNX graph: what the network reads to `logits` and `value`, any batch.

    Views are uint8, scalars and neighbours float32. Views may have the frame of the environments or
    none. The opset is OPSET.

    Args:
        origin: goes into the graph's metadata.
    """
    missing = [name for name in ("onnx", "onnxruntime") if importlib.util.find_spec(name) is None]
    if missing:
        raise MemberError(
            f"exporting to ONNX needs {' and '.join(missing)}, which cannot be imported; run "
            f"`{install_command('onnx')}`"
        )
    import onnxruntime

    keys = tuple(loaded.network.torso.shapes)
    rows = check_rows(loaded)
    stream: Any = io.BytesIO()  # this exporter takes one, its annotation does not say so
    with warnings.catch_warnings(), torch.inference_mode():
        # The exporter that replaces this one needs onnxscript, and warns about every shape.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _Positional(loaded.network, keys).eval(),
            tuple(rows[key][:2] for key in keys),
            stream,
            dynamo=False,
            input_names=list(keys),
            output_names=["logits", "value"],
            dynamic_axes={
                **{key: {0: "n"} for key in (*keys, "logits", "value") if key not in SCALES},
                **{
                    key: {0: "n", 2: f"{key}_side", 3: f"{key}_side"}
                    for key in keys
                    if key in SCALES
                },
            },
            opset_version=OPSET,
        )
    raw = _with_metadata(stream.getvalue(), origin)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(raw, options, providers=["CPUExecutionProvider"])
    for n, with_frames in ((1, False), (_N_CHECKED_ROWS, False), (_N_CHECKED_ROWS, True)):
        inputs = {key: rows[key][:n].numpy() for key in keys}
        if with_frames:
            inputs |= {key: framed(inputs[key]) for key in keys if key in SCALES}
        found = session.run(["logits"], inputs)[0]
        with torch.inference_mode():
            expected = loaded.network({key: x[:n] for key, x in rows.items()})[0]
        _require_equal("ONNX graph", torch.from_numpy(found), expected)
    return raw


def _with_metadata(raw: bytes, origin: Origin | None) -> bytes:
    """Return an ONNX graph that says which member it was."""
    if origin is None:
        return raw
    import onnx

    model = onnx.load_model_from_string(raw)
    onnx.helper.set_model_props(model, {key: str(x) for key, x in origin.to_dict().items()})
    marked: bytes = model.SerializeToString()
    return marked
