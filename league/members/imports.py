"""Owns how weights enter a league: SB3 zips, our own snapshots, bare safetensors.

Promises: no code in an imported file is executed, and weights enter only if they fit a network of
this league exactly. A network that was trained outside comes back as a child of the member that it
was (league.members.origin), or of the one that the user names.
"""

from __future__ import annotations

import io
import pickle
import re
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from agents.description import SnapshotDescription, describe
from agents.errors import SnapshotArchitectureError, SnapshotCorruptError, SnapshotMissingError
from agents.seal import is_ours, unsealed
from agents.snapshot_files import MAX_SNAPSHOT_BYTES
from agents.snapshots import SnapshotStore
from arena.foreign import MAX_TEXT_BYTES, PARSER_ERRORS, read_foreign, reason_of
from arena.territory.observation.views import Views
from league.config.tree import LeagueConfig
from league.errors import MemberError
from league.folder.connect import reading
from league.folder.layout import LeagueFolder
from league.folder.memory import started_settings
from league.members.entry import add_member, find_member
from league.members.origin import Origin, Outside, read_outside
from msattn.actor_critic import ActorCritic, policy_weights
from msattn.config import FAMILIES, TorsoConfig
from msattn.errors import ConfigError

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from db.records import MemberRecord

_POLICY_FILE = "policy.pth"  # the weights inside an SB3 zip
_DATA_FILE = "data"  # everything else about the model
_DAMAGE: tuple[type[BaseException], ...] = (*PARSER_ERRORS, SafetensorError, zipfile.BadZipFile)
_MAX_POLICY_BYTES = 2**28  # ten times the largest network of ours; protects from zip bombs


def import_member(
    folder: LeagueFolder,
    path: Path,
    family: str | None = None,
    name: str | None = None,
    parent: str | None = None,
) -> MemberRecord:
    """Add the weights in a file to the pool as a member, even while the daemon runs.

    Args:
        path: an SB3 zip, one of our snapshots, or a safetensors file of bare weights.
        family: the network that the weights belong to; None finds out which one they fit.
        name: what to call the member; None makes a name from family and hash.
        parent: name, agent spec or hash prefix of the member that it was trained from; None takes
            what the file says.

    Raises:
        NotFoundError: there is no such parent.
        MemberError: the file is none of these, holds a network unlike the league's, or names
            another family or parent.
        SnapshotError: the snapshot is damaged or does not fit.
    """
    if not path.is_file():
        raise MemberError(f"expected a snapshot file or SB3 zip, found none at {path}")
    raw = read_foreign(path, MAX_SNAPSHOT_BYTES)
    if zipfile.is_zipfile(io.BytesIO(raw)):
        weights, outside = _sb3_content(path, raw)
        return _import_weights(folder, path, weights, outside, family, name, parent)
    try:
        description = describe(path)
    except SnapshotCorruptError:
        if is_ours(raw):
            raise  # and not taken for bare weights
        bare = _bare_weights(path, raw)
        return _import_weights(folder, path, bare, Outside(), family, name, parent)
    if family is not None and family != description.family:
        raise MemberError(
            f"{path}: expected weights of the family {family!r}, found {description.family!r}"
        )
    if parent is not None:
        with reading(folder) as session:
            wanted = _parent(session, parent)
        if description.parent != wanted.snapshot_sha256:
            raise MemberError(
                f"{path}: expected a snapshot that names {wanted.name} as its parent, found "
                f"{(description.parent or 'none')[:12]}; a snapshot says itself whose child it is: "
                "leave out --parent"
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
    outside: Outside,
    family: str | None,
    name: str | None,
    parent: str | None,
) -> MemberRecord:
    """Save weights without a description as a snapshot of the league's network and add it."""
    with reading(folder) as session:
        config = LeagueConfig.from_json(started_settings(session, folder))
        if parent is not None:
            chosen = _parent(session, parent)
            was = _origin(chosen, SnapshotStore(folder.snapshot_place()))
            outside = Outside(was, outside.n_steps)
    origin = outside.origin
    views = config.views.to_views()
    torso, shapes = config.torso, views.shapes()
    try:
        kept = policy_weights(weights)
        family = family or (origin.family if origin else None) or _fitting(kept, views, torso)
        if family is None:
            raise ConfigError(
                f"its {len(kept)} tensors fit neither family ({' or '.join(FAMILIES)}); --family "
                "says which one is meant, and what differs from it"
            )
        if origin is not None and origin.family != family:
            raise MemberError(
                f"{path}: expected a child of {origin.name} to be of its family "
                f"{origin.family!r}, found --family {family}"
            )
        description = SnapshotDescription(
            family=family,
            **views.versions,
            torso=torso,
            shapes=shapes,
            lineage=family,
            parent=None if origin is None else origin.sha256,
            trained_decisions=outside.trained_decisions,
            extra={"imported_from": path.name, "steps_outside": outside.n_steps},
            relation_mask=origin is not None and origin.relation_mask,
        )
        sha256 = SnapshotStore(folder.snapshot_place()).save(kept, description)
    except (ConfigError, SnapshotArchitectureError) as error:
        raise MemberError(
            f"{path}: expected the league's {family or 'attention or baseline'} network ([views] "
            f"and [network] of {folder.toml}), found a different one: {error}"
        ) from error
    return add_member(folder, f"snapshot:{sha256}", name)


def _parent(session: Session, text: str) -> MemberRecord:
    """Return the member that --parent names; raise MemberError if it has no network."""
    member = find_member(session, text)
    if member.snapshot_sha256 is None:
        raise MemberError(
            f"--parent: expected a member with a network, found {member.name}, which plays "
            f"{member.agent_spec}"
        )
    return member


def _origin(member: MemberRecord, store: SnapshotStore) -> Origin:
    """Return a member as the parent of what is imported; a pruned one is taken for unmasked."""
    sha256 = str(member.snapshot_sha256)
    masked = False
    with suppress(SnapshotMissingError):
        masked = describe(store.file(sha256)).relation_mask
    return Origin(sha256, member.name, member.family, member.trained_decisions, masked)


def _fitting(weights: Mapping[str, Tensor], views: Views, torso: TorsoConfig) -> str | None:
    """Return the family whose network has these names and shapes, or None."""
    found = {key: tuple(tensor.shape) for key, tensor in weights.items()}
    for family in FAMILIES:
        network = ActorCritic.on_meta(family, views.shapes(), torso, n_actions=views.n_actions)
        expected = network.state_dict()
        if found == {key: tuple(tensor.shape) for key, tensor in expected.items()}:
            return family
    return None


def _sb3_content(path: Path, raw: bytes) -> tuple[dict[str, Tensor], Outside]:
    """Return the tensors of an SB3 zip's policy, and what the model says of itself.

    Its `data` file holds pickles, which could run code, as texts in JSON: they are left alone.
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
            outside = Outside()
            if _DATA_FILE in archive.namelist():
                is_small = archive.getinfo(_DATA_FILE).file_size <= MAX_TEXT_BYTES
                outside = read_outside(archive.read(_DATA_FILE)) if is_small else outside
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
            f"not loaded: {_why_unsafe(error)}"
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
    return dict(weights), outside


def _why_unsafe(error: BaseException) -> str:
    """Return why torch refused a pickle, without its advice to load it unsafely all the same."""
    if not isinstance(error, pickle.UnpicklingError):
        return reason_of(error)
    named = re.search(r"GLOBAL ([\w.]+)", str(error))
    return f"it would run {named[1]}" if named else "it is not a plain list of tensors"


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
