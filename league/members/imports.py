"""Owns how weights enter a league: SB3 zips, our own snapshots, bare safetensors.

Promises: no code in an imported file is executed, and weights enter only if they fit a network of
this league exactly.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from agents.description import SnapshotDescription, describe
from agents.errors import SnapshotArchitectureError, SnapshotCorruptError
from agents.seal import is_ours, unsealed
from agents.snapshots import MAX_SNAPSHOT_BYTES, SnapshotStore
from arena.foreign import PARSER_ERRORS, read_foreign, reason_of
from arena.territory.observation.views import ACTION_VERSION, OBSERVATION_VERSION
from league.config.tree import LeagueConfig
from league.errors import MemberError
from league.folder.connect import reading
from league.folder.layout import LeagueFolder
from league.folder.memory import started_settings
from league.members.entry import add_member
from msattn.actor_critic import policy_weights
from msattn.config import FAMILIES
from msattn.errors import ConfigError

if TYPE_CHECKING:
    from db.records import MemberRecord

_POLICY_FILE = "policy.pth"  # the weights inside an SB3 zip
_DAMAGE: tuple[type[BaseException], ...] = (*PARSER_ERRORS, SafetensorError, zipfile.BadZipFile)
_MAX_POLICY_BYTES = 2**28  # ten times the largest network of ours; protects from zip bombs


def import_member(
    folder: LeagueFolder, path: Path, family: str | None = None, name: str | None = None
) -> MemberRecord:
    """Add the weights in a file to the pool as a member, even while the daemon runs.

    Args:
        path: an SB3 zip, one of our snapshots, or a safetensors file of bare weights.
        family: the network that the weights belong to; a snapshot names it itself.
        name: what to call the member; None makes a name from family and hash.

    Raises:
        MemberError: the file is none of these, or holds a network unlike the league's.
        SnapshotError: the snapshot is damaged or does not fit.
    """
    if not path.is_file():
        raise MemberError(f"expected a snapshot file or SB3 zip, found none at {path}")
    raw = read_foreign(path, MAX_SNAPSHOT_BYTES)
    if zipfile.is_zipfile(io.BytesIO(raw)):
        return _import_weights(folder, path, _sb3_weights(path, raw), family, name)
    try:
        description = describe(path)
    except SnapshotCorruptError:
        if is_ours(raw):
            raise  # and not taken for bare weights
        return _import_weights(folder, path, _bare_weights(path, raw), family, name)
    if family is not None and family != description.family:
        raise MemberError(
            f"{path}: expected weights of the family {family!r}, found {description.family!r}"
        )
    return add_member(folder, str(path), name)


def has_no_seal(path: Path) -> bool:
    """Return whether a file is a snapshot that carries no hash of its own (agents.seal)."""
    raw = read_foreign(path, MAX_SNAPSHOT_BYTES)
    return is_ours(raw) and not zipfile.is_zipfile(io.BytesIO(raw)) and not unsealed(raw, "")[1]


def _import_weights(
    folder: LeagueFolder,
    path: Path,
    weights: Mapping[str, Tensor],
    family: str | None,
    name: str | None,
) -> MemberRecord:
    """Save weights without a description as a snapshot of the league's network and add it."""
    if family not in FAMILIES:
        raise MemberError(
            f"{path}: bare weights do not say which network they belong to; expected --family "
            f"{' or '.join(FAMILIES)}, found {family or 'none'}"
        )
    with reading(folder) as session:
        config = LeagueConfig.from_json(started_settings(session, folder))
    description = SnapshotDescription(
        family=family,
        observation_version=OBSERVATION_VERSION,
        action_version=ACTION_VERSION,
        torso=config.network.to_torso(),
        shapes=config.views.to_views().shapes(),
        lineage=family,
        extra={"imported_from": path.name},
    )
    try:
        sha256 = SnapshotStore(folder.snapshots).save(policy_weights(weights), description)
    except (ConfigError, SnapshotArchitectureError) as error:
        raise MemberError(
            f"{path}: expected the league's {family} network ([views] and [network] of "
            f"{folder.toml}), found a different one: {error}"
        ) from error
    return add_member(folder, f"snapshot:{sha256}", name)


def _sb3_weights(path: Path, raw: bytes) -> dict[str, Tensor]:
    """Return the tensors of an SB3 zip's policy.

    Nothing else in the zip is read: its `data` file holds pickles, which could run code.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            if _POLICY_FILE not in archive.namelist():
                raise MemberError(
                    f"{path}: expected an SB3 model with {_POLICY_FILE} inside, found a zip "
                    "without it"
                )
            _require_small(path, _POLICY_FILE, archive.getinfo(_POLICY_FILE).file_size)
            policy = archive.read(_POLICY_FILE)
    except _DAMAGE as error:
        raise MemberError(f"{path}: expected a readable SB3 zip: {reason_of(error)}") from error
    try:
        # What torch saved is a zip again, whose members may be packed although torch packs none.
        with zipfile.ZipFile(io.BytesIO(policy)) as archive:
            n_bytes = sum(member.file_size for member in archive.infolist())
            _require_small(path, f"{_POLICY_FILE}'s members", n_bytes)
        # weights_only=True allows tensors and plain containers and calls nothing that a file names.
        weights = torch.load(io.BytesIO(policy), map_location="cpu", weights_only=True)
    except _DAMAGE as error:
        raise MemberError(
            f"{path}: expected only tensors in {_POLICY_FILE}, found something else, which was "
            f"not loaded: {reason_of(error)}"
        ) from error
    if not isinstance(weights, dict) or not all(
        isinstance(key, str) and isinstance(value, Tensor) for key, value in weights.items()
    ):
        raise MemberError(
            f"{path}: expected a dictionary of tensors in {_POLICY_FILE}, found "
            f"{type(weights).__name__}"
        )
    # A tensor may repeat one stored number as often as it says; copying it would not.
    n_bytes = sum(value.numel() * value.element_size() for value in weights.values())
    _require_small(path, "the tensors", n_bytes)
    return dict(weights)


def _require_small(path: Path, what: str, n_bytes: int) -> None:
    if n_bytes > _MAX_POLICY_BYTES:
        raise MemberError(
            f"{path}: {what} would take {n_bytes:,} bytes unpacked, expected at most "
            f"{_MAX_POLICY_BYTES:,}"
        )


def _bare_weights(path: Path, raw: bytes) -> dict[str, Tensor]:
    try:
        weights: dict[str, Tensor] = safetensors.torch.load(raw)
    except _DAMAGE as error:
        raise MemberError(
            f"{path}: expected a snapshot, a safetensors file or an SB3 zip, found none of them: "
            f"{reason_of(error)}"
        ) from error
    return weights
