"""CheckpointStore: a learner's whole state in a folder, so that it can be killed at any instant.

Promises: a checkpoint is written whole or not at all; the last three are kept; a damaged one is
set aside with a warning and the one before it is used; loading never executes code (safetensors and
JSON, no pickle); on a CPU with one thread a resumed learner computes what the unbroken one would
have, bit for bit.

A checkpoint is one file, `checkpoint-<number>-<first 16 digits of its SHA-256>.safetensors`:
weights and optimizer state as tensors, everything else as JSON in its header.
"""

from __future__ import annotations

import hashlib
import json
import logging
import random
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load as read_tensors
from safetensors.torch import save as write_tensors
from torch import Tensor

from arena.files import sweep, sync_folder, write_whole
from arena.machine import is_machine_trouble
from league.learner.mirror import CheckpointMirror
from league.ppo import survival
from league.ppo.algorithm import LeaguePPO
from league.ppo.errors import CheckpointError
from league.ppo.form import like_parameters
from league.ppo.safety import policy_tensors

log = logging.getLogger(__name__)

KEEP = 3
FORMAT = 1

_NAME = re.compile(r"checkpoint-(\d{8,})-([0-9a-f]{16})\.safetensors")
_NOTES = "learner"
_AVERAGED = "averaged/"
_SURVIVAL = f"policy/{survival.NAME}.weight"


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A learner's state, read back and whole.

    Attributes:
        path: its file.
        tensors: "policy/<name>", "optimizer/<index>/<name>" and, where snapshots hold averaged
            weights, "averaged/<name>", on the CPU.
        notes: counters, schedules, random states: JSON types.
        extra: what the caller gave to `save`, as JSON brings it back (tuples are lists).
    """

    path: Path
    tensors: dict[str, Tensor]
    notes: dict[str, Any]
    extra: dict[str, Any]

    @property
    def n_decisions(self) -> int:
        """Decisions that the learner had made."""
        return int(self.notes["n_decisions"])


class CheckpointStore:
    """The checkpoints of one learner.

    Args:
        folder: made if it is absent; one learner at a time writes into it.
        keep: how many checkpoints are kept.
        mirror: the same checkpoints in the league's store; None where there is none.
    """

    def __init__(
        self, folder: str | Path, *, keep: int = KEEP, mirror: CheckpointMirror | None = None
    ) -> None:
        self.folder = Path(folder)
        self.keep = keep
        self.mirror = mirror
        self.folder.mkdir(parents=True, exist_ok=True)

    def list(self) -> list[Path]:
        """Return the checkpoints, oldest first; not yet read, so perhaps damaged."""
        found = [path for path in self.folder.iterdir() if _NAME.fullmatch(path.name)]
        return sorted(found, key=_number)

    def save(self, ppo: LeaguePPO, extra: Mapping[str, Any] | None = None) -> Path:
        """Write the state between two updates; returns the file, which is on the disk.

        Args:
            ppo: a learner that is not inside `update`.
            extra: JSON types; the environment's state (specs and actions of running matches) and
                whatever else the caller must find again.

        Raises:
            OSError: the disk is full or not writable; the older checkpoints stay as they are.
            CheckpointError: `extra` is not JSON.
        """
        raw = encode(ppo, extra)
        existing = self.list()
        number = _number(existing[-1]) + 1 if existing else 1
        digest = hashlib.sha256(raw).hexdigest()[:16]
        path = self.folder / f"checkpoint-{number:08d}-{digest}.safetensors"
        write_whole(path, raw, durable=True)
        for old in self.list()[: -self.keep]:
            old.unlink(missing_ok=True)
        sweep(self.folder)
        if self.mirror is not None:
            self.mirror.saved(path)
        return path

    def close(self) -> None:
        """Give the last checkpoint some seconds to reach the mirror."""
        if self.mirror is not None:
            self.mirror.close()

    def load(self) -> Checkpoint | None:
        """Return the newest whole checkpoint, or None if there is none.

        A damaged one is renamed to `damaged-...`, with a warning that says what it cost.

        Raises:
            CheckpointError: there are checkpoints, but none is whole, or the newest was written by
                a later program. Training from the start must be asked for.
            OSError: the machine is in trouble; nothing was set aside.
        """
        if self.mirror is not None:
            self.mirror.fetch(self.folder)
        paths = self.list()
        for path in reversed(paths):
            try:
                return _read(path)
            except _DamagedError as damage:
                log.warning(
                    "%s: %s; falling back to the checkpoint before it, the training since then "
                    "is lost",
                    path,
                    damage,
                )
                path.replace(path.with_name(f"damaged-{path.name}"))
                sync_folder(self.folder)
        if paths:
            raise CheckpointError(
                f"none of the {len(paths)} checkpoints in {self.folder} is whole; restore them "
                "from a backup, or move the folder away to train from the beginning"
            )
        return None


def encode(ppo: LeaguePPO, extra: Mapping[str, Any] | None = None) -> bytes:
    """Return the bytes of a checkpoint; see `CheckpointStore.save`."""
    try:
        notes = json.dumps({"notes": _notes(ppo), "extra": dict(extra or {})})
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"a checkpoint's extra must be JSON types: {error}") from error
    return write_tensors(_tensors(ppo), metadata={_NOTES: notes})


def decode(raw: bytes, path: Path) -> Checkpoint:
    """Return the checkpoint that `encode` wrote.

    Args:
        path: that messages name.

    Raises:
        CheckpointError: a later program wrote it.
        ValueError: it is not a checkpoint.
    """
    try:
        length = int.from_bytes(raw[:8], "little")
        content = json.loads(json.loads(raw[8 : 8 + length])["__metadata__"][_NOTES])
        notes, extra = content["notes"], content["extra"]
        tensors = read_tensors(raw)
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"not a checkpoint ({error!r})") from error
    if notes.get("format") != FORMAT:
        raise CheckpointError(
            f"{path} has checkpoint format {notes.get('format')!r} and this program reads "
            f"{FORMAT}; update the program"
        )
    return Checkpoint(path, tensors, notes, extra)


def restore(ppo: LeaguePPO, checkpoint: Checkpoint, observations: Any = None) -> None:
    """Put a learner into the state of a checkpoint, random streams of the process included.

    The settings (rates, schedules, batch sizes) stay those of `ppo`: they may have been changed
    since. Call it last: whatever draws from torch's, numpy's or Python's global streams afterwards
    makes the runs differ.

    Args:
        ppo: a learner with the same network; its environment restored already.
        checkpoint: of `CheckpointStore.load`.
        observations: the environment's current ones, dict of arrays [num_envs, ...]; None resets
            the environment at the next update.

    Raises:
        CheckpointError: the checkpoint is another network's.
    """
    targets = {f"policy/{name}": tensor for name, tensor in policy_tensors(ppo.policy)}
    held = {name: t for name, t in checkpoint.tensors.items() if name.startswith("policy/")}
    if (_SURVIVAL in held) is not (_SURVIVAL in targets):  # learner.survival_coef was changed
        for each in (targets, held):
            for name in [name for name in each if name.startswith(_SURVIVAL.rpartition(".")[0])]:
                del each[name]
    expected = {name: tuple(tensor.shape) for name, tensor in targets.items()}
    found = {name: tuple(tensor.shape) for name, tensor in held.items()}
    if expected != found:
        wrong = sorted(n for n in expected.keys() | found.keys() if expected.get(n) != found.get(n))
        raise CheckpointError(
            f"{checkpoint.path} holds another network than the learner's: {len(wrong)} tensors "
            f"differ, first {wrong[0]!r}: expected {expected.get(wrong[0])}, found "
            f"{found.get(wrong[0])}; network and views of a league must stay as they were"
        )
    with torch.no_grad():
        for name, tensor in targets.items():
            tensor.copy_(checkpoint.tensors[name])
    optimizer = ppo.policy.optimizer
    n_params = sum(len(group["params"]) for group in optimizer.param_groups)
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in checkpoint.tensors.items():
        if name.startswith("optimizer/"):
            _, index, key = name.split("/")
            if int(index) < n_params:
                state.setdefault(int(index), {})[key] = tensor.clone()
    # The groups' numbers are settings; the learning rate is set before every update.
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})
    like_parameters(optimizer)
    notes = checkpoint.notes
    averaged = {
        name.removeprefix(_AVERAGED): tensor.to(ppo.device, copy=True)
        for name, tensor in checkpoint.tensors.items()
        if name.startswith(_AVERAGED)
    }
    ppo.averaged.restore(averaged, int(notes.get("n_averaged", 0)))  # 0.1.0 has none
    ppo.num_timesteps = int(notes["n_decisions"])
    ppo._n_updates = int(notes["n_updates"])
    ppo._episode_num = int(notes["n_episodes"])
    ppo.learning_rate_scale = float(notes["learning_rate_scale"])
    ppo.schedules_from = int(notes.get("schedules_from", 0))  # 0.1.0 has none
    ppo.rollbacks = [int(update) for update in notes["rollbacks"]]
    ppo._last_obs = observations
    set_random_state(ppo, notes["random"])


def _number(path: Path) -> int:
    match = _NAME.fullmatch(path.name)
    return int(match.group(1)) if match else 0


def _tensors(ppo: LeaguePPO) -> dict[str, Tensor]:
    tensors = {f"policy/{name}": tensor for name, tensor in policy_tensors(ppo.policy)}
    for index, state in ppo.policy.optimizer.state_dict()["state"].items():
        for key, value in state.items():
            if isinstance(value, Tensor):
                tensors[f"optimizer/{index}/{key}"] = value
    tensors |= {f"{_AVERAGED}{name}": t for name, t in ppo.averaged.weights.items()}
    return {name: tensor.detach().to("cpu").contiguous() for name, tensor in tensors.items()}


def _notes(ppo: LeaguePPO) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "n_decisions": int(ppo.num_timesteps),
        "n_updates": int(ppo._n_updates),
        "n_episodes": int(ppo._episode_num),
        "learning_rate_scale": ppo.learning_rate_scale,
        "schedules_from": ppo.schedules_from,
        "rollbacks": ppo.rollbacks,
        "n_averaged": ppo.averaged.n_seen,
        # For the reader: what was in force. Schedules are read from the settings.
        "schedules": {name: asdict(schedule) for name, schedule in ppo.settings.schedules.items()},
        "random": random_state(ppo),
    }


def random_state(ppo: LeaguePPO) -> dict[str, Any]:
    """Return the random streams of a learner and of its process, as JSON types."""
    numpy_state: Any = np.random.get_state(legacy=True)
    kind, keys, position, has_gauss, gauss = numpy_state
    version, words, next_gauss = random.getstate()
    return {
        "device": ppo.device.type,
        "learner": _hex(ppo.generator.get_state()),
        "torch": _hex(torch.get_rng_state()),
        "numpy": [kind, keys.tolist(), int(position), int(has_gauss), float(gauss)],
        "python": [version, list(words), next_gauss],
    }


def set_random_state(ppo: LeaguePPO, notes: Mapping[str, Any]) -> None:
    """Put back what `random_state` returned."""
    kind, keys, position, has_gauss, gauss = notes["numpy"]
    np.random.set_state((kind, np.array(keys, dtype=np.uint32), position, has_gauss, gauss))
    version, words, next_gauss = notes["python"]
    random.setstate((version, tuple(words), next_gauss))
    torch.set_rng_state(_bytes(notes["torch"]))
    if notes["device"] == ppo.device.type:
        ppo.generator.set_state(_bytes(notes["learner"]))
    else:
        log.warning(
            "the checkpoint's draws are those of %s and the learner runs on %s: training goes on "
            "with new draws",
            notes["device"],
            ppo.device.type,
        )
        ppo.generator.manual_seed(ppo.num_timesteps)


def _hex(state: Tensor) -> str:
    return bytes(state.cpu().numpy()).hex()


def _bytes(text: str) -> Tensor:
    return torch.tensor(list(bytes.fromhex(text)), dtype=torch.uint8)


class _DamagedError(Exception):
    """A file that is not what was written."""


def _read(path: Path) -> Checkpoint:
    match = _NAME.fullmatch(path.name)
    try:
        raw = path.read_bytes()
    except OSError as error:
        if is_machine_trouble(error):
            raise  # it may be whole: nothing is set aside over it
        raise _DamagedError(f"cannot be read ({error})") from error
    if match is None or not hashlib.sha256(raw).hexdigest().startswith(match.group(2)):
        raise _DamagedError("its bytes do not have the hash in its name")
    try:
        return decode(raw, path)
    except ValueError as error:
        raise _DamagedError(str(error)) from error
