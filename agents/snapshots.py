"""SnapshotStore: frozen weights in a folder, each file addressed by the SHA-256 of its bytes.

Promises: a file is written whole or not at all; it is used only if its size, hash, shapes and
numbers are right and the network still computes what it did when it was saved; loading one never
executes code (safetensors, no pickle). Weights and their description are one file.

Layout: `<sha256>.safetensors`; `offered/<sha256>.safetensors` with `offered/<sha256>.json` for what
learners have offered and the manager has not settled yet.

The snapshots of a league with a store (`store.url`) lie there, under the same names (`Source`); the
folder holds what is on its way: offers of this machine, and files that the store has not yet.
"""

from __future__ import annotations

import hashlib
import logging
import re
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from agents.description import SnapshotDescription, describe, parse_header
from agents.encoding import decode, encode
from agents.errors import (
    SnapshotAmbiguousError,
    SnapshotCorruptError,
    SnapshotError,
    SnapshotMissingError,
    SnapshotPathError,
)
from agents.seal import unsealed
from agents.snapshot_files import HASH, full_hash, read_whole, with_hash
from agents.source import SnapshotPlace, Source
from agents.versions import check_versions
from arena.files import STALE_AFTER_S, sweep, sync_folder, write_whole
from arena.territory.observation.views import ACTION_VERSIONS, OBSERVATION_VERSIONS
from msattn.actor_critic import ActorCritic

__all__ = ["LoadedSnapshot", "Offer", "SnapshotDescription", "SnapshotStore", "describe"]

log = logging.getLogger(__name__)

_SUFFIX = ".safetensors"
_PREFIX = re.compile(r"[0-9a-f]{4,64}")


@dataclass(frozen=True, eq=False)
class LoadedSnapshot:
    """A snapshot that passed every check.

    Attributes:
        sha256: hash of its file.
        description: what it is.
        network: on the CPU, in evaluation mode, without gradients.
    """

    sha256: str
    description: SnapshotDescription
    network: ActorCritic


@dataclass(frozen=True)
class Offer:
    """A snapshot offered by a learner and not yet settled.

    Attributes:
        sha256: hash of its file.
        description: what the learner said about it; None if that cannot be read.
        admitted: whether the store already holds its weights.
        problem: why the description cannot be read, or None; `discard` such an offer.
    """

    sha256: str
    description: SnapshotDescription | None
    admitted: bool
    problem: str | None = None


class SnapshotStore:
    """The snapshots of one league, in one folder or in a source behind it.

    Args:
        place: the folder, made if it is missing, or a place with a source.
        observation_versions: those that a loaded snapshot may have, all that this program can show
            by default.
        action_versions: those of its actions, all that this program plays by default; None takes
            any.
    """

    def __init__(
        self,
        place: str | Path | SnapshotPlace,
        *,
        observation_versions: Collection[int] = OBSERVATION_VERSIONS,
        action_versions: Collection[int] | None = ACTION_VERSIONS,
    ) -> None:
        self.source: Source | None = None
        self._is_far = False
        if isinstance(place, str | Path):
            self.folder = Path(place)
        else:
            self.folder, self.source = place.folder, place.source()
            self._is_far = place.is_far
        self.offered = self.folder / "offered"
        self.observation_versions = observation_versions
        self.action_versions = action_versions
        self.offered.mkdir(parents=True, exist_ok=True)

    def path(self, sha256: str) -> Path:
        """Return the path that the snapshot of a full hash has or would have in the folder.

        Raises:
            SnapshotPathError: not 64 hexadecimal digits.
        """
        return self.folder / f"{full_hash(sha256)}{_SUFFIX}"

    def has(self, sha256: str) -> bool:
        """Return whether the store holds the snapshot of a full hash.

        Raises:
            SnapshotPathError: not 64 hexadecimal digits.
            OSError: the source does not answer.
        """
        path = self.path(sha256)
        return path.exists() or (self.source is not None and self.source.has(path.name))

    def file(self, sha256: str) -> Path:
        """Return a file of this machine that holds a snapshot, to be opened soon.

        Raises:
            SnapshotMissingError, SnapshotCorruptError: there is none, or the source's is damaged.
            OSError: the source does not answer.
        """
        path = self.path(sha256)
        if self.source is None or path.exists():
            return path
        return self.source.file(path.name)

    def shas(self) -> list[str]:
        """Return the hashes of all snapshots in the store, sorted; offers do not count."""
        names = [path.name for path in self.folder.glob(f"*{_SUFFIX}")]
        if self.source is not None:
            names += self.source.names()
        stems = {name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX)}
        return sorted(stem for stem in stems if HASH.fullmatch(stem))

    def save(self, state_dict: Mapping[str, Tensor], description: SnapshotDescription) -> str:
        """Save weights in the store and return the hash of the file.

        Saving the same again changes nothing and returns the same hash. When this returns, the
        complete file is on disk, so that a database row may refer to it.

        Args:
            state_dict: an ActorCritic's, on any device; see `msattn.actor_critic.policy_weights`
                for an SB3 policy's.
            description: its `probe_*` fields are computed here.

        Raises:
            SnapshotArchitectureError: the weights do not fit the described network.
            SnapshotNonFiniteError: a weight, a logit or the value is not finite.
            OSError: the disk is full or not writable; nothing is left behind.
        """
        raw, _ = encode(state_dict, description)
        sha256 = hashlib.sha256(raw).hexdigest()
        self._keep(raw, sha256)
        return sha256

    def offer(self, state_dict: Mapping[str, Tensor], description: SnapshotDescription) -> str:
        """Offer weights to the manager, without a database; return the hash of the file.

        The description is written after the weights, so that a listed offer is complete. The
        manager of another machine finds the offer in the source, once `send_offers` was called.

        Raises:
            SnapshotError, OSError: as `save`.
        """
        raw, description = encode(state_dict, description)
        sha256 = hashlib.sha256(raw).hexdigest()
        self._write(self.offered / f"{sha256}{_SUFFIX}", raw, sha256)
        write_whole(self.offered / f"{sha256}.json", description.to_json().encode(), durable=True)
        return sha256

    def send_offers(self) -> list[str]:
        """Bring this machine's offers to where the manager finds them; return their hashes.

        Where the manager shares the folder there is nothing to do. Doing it again, after a crash
        or while the source was away, changes nothing.

        Raises:
            OSError: the source does not answer; the rest stays in the folder.
        """
        sent: list[str] = []
        if self.source is None or not self._is_far:
            return sent
        for note in sorted(self.offered.glob("*.json")):
            weights = note.with_suffix(_SUFFIX)
            if HASH.fullmatch(note.stem) and weights.exists():
                self.source.save(f"offered/{weights.name}", read_whole(weights))
                self.source.save(f"offered/{note.name}", read_whole(note))
                note.unlink()
                weights.unlink()
                sent.append(note.stem)
        return sent

    def list_offers(self) -> list[Offer]:
        """Return the offers not yet settled, sorted by hash.

        They include those that were admitted but not settled by `discard`: the process died between
        the two, and its database may not know them.
        """
        here = {path.name for path in self.offered.iterdir()}
        there = set() if self.source is None else set(self.source.names("offered"))
        offers = []
        for name in sorted(here | there):
            sha256 = name.removesuffix(".json")
            if sha256 == name or not HASH.fullmatch(sha256):
                continue
            admitted = self.has(sha256)
            if not admitted and f"{sha256}{_SUFFIX}" not in here | there:
                continue
            try:
                note = read_whole(self.offered / name) if name in here else self._read_far(name)
                description = SnapshotDescription.from_json(note.decode())
            except (SnapshotError, UnicodeDecodeError) as error:
                offers.append(Offer(sha256, None, admitted, str(error)))
            else:
                offers.append(Offer(sha256, description, admitted))
        return offers

    def _read_far(self, name: str) -> bytes:
        assert self.source is not None
        return self.source.read(f"offered/{name}")

    def admit(
        self, sha256: str, require: Callable[[SnapshotDescription], None] = lambda found: None
    ) -> Path:
        """Check an offer's weights, move them into the store and return their path.

        The offer stays listed until `discard` settles it. The order for the caller is admit,
        commit the row, discard: after a crash at any point the offer is listed again, and
        admitting it again changes nothing.

        Args:
            require: raises SnapshotError for a sound snapshot that does not belong in this store.

        Raises:
            SnapshotMissingError: neither offered nor in the store.
            SnapshotError: as `load`, or raised by `require`; the offer stays where it is.
        """
        target = self.path(sha256)
        source = self.offered / target.name
        if self.source is not None:
            return self._admit_into_source(self.source, target.name, sha256, require)
        if not target.exists():
            if not source.exists():
                raise SnapshotMissingError(
                    f"no snapshot {sha256} is offered in {self.offered} or stored in {self.folder}"
                )
            require(self._load_file(source, sha256).description)
            source.replace(target)
            sync_folder(self.folder)
            sync_folder(self.offered)
        else:
            require(self._load_file(target, sha256).description)
        return target

    def _admit_into_source(
        self,
        source: Source,
        name: str,
        sha256: str,
        require: Callable[[SnapshotDescription], None],
    ) -> Path:
        """Check an offer of this machine or of the source, and keep it in the source."""
        offered = self.offered / name
        if offered.exists():
            raw = with_hash(offered, sha256)
        elif source.has(f"offered/{name}"):
            raw = source.read(f"offered/{name}")
        elif self.has(sha256):
            require(self.load(sha256).description)
            return self.file(sha256)
        else:
            raise SnapshotMissingError(
                f"no snapshot {sha256} is offered in {self.offered} or in the store, or kept there"
            )
        require(self._check(raw, name, sha256).description)
        source.save(name, raw)
        return source.file(name)

    def discard(self, sha256: str) -> None:
        """Remove what is left of an offer in `offered`; the store is not touched.

        This settles an admitted offer and drops a refused one. A missing offer is not an error.

        Raises:
            SnapshotPathError: not 64 hexadecimal digits.
        """
        name = full_hash(sha256)
        # The note goes first: without it the offer is no longer listed, and `sweep` takes the
        # weights that a crash here leaves.
        (self.offered / f"{name}.json").unlink(missing_ok=True)
        (self.offered / f"{name}{_SUFFIX}").unlink(missing_ok=True)
        sync_folder(self.offered)
        if self.source is not None:
            try:
                self.source.remove([f"offered/{name}.json", f"offered/{name}{_SUFFIX}"])
            except OSError as error:  # it is listed again, and settling it again changes nothing
                log.warning("the settled offer %s stays in the store: %s", name[:12], error)

    def remove(self, sha256: str) -> None:
        """Remove a snapshot that no member plays any more; a missing one is not an error.

        Raises:
            SnapshotPathError: not 64 hexadecimal digits.
            OSError: the source does not answer.
        """
        path = self.path(sha256)
        path.unlink(missing_ok=True)
        if self.source is not None:
            self.source.remove([path.name])

    def sweep(self) -> int:
        """Remove what killed writers left over an hour ago; return how many files.

        These are temporary files, and offered weights whose description was never written.
        """
        removed = sweep(self.folder) + sweep(self.offered)
        oldest = time.time() - STALE_AFTER_S
        for weights in self.offered.glob(f"*{_SUFFIX}"):
            if not weights.with_suffix(".json").exists() and weights.stat().st_mtime <= oldest:
                weights.unlink()
                removed += 1
        return removed

    def resolve(self, reference: str | Path) -> Path:
        """Return the file that a hash, a prefix of at least 4 digits or a path refers to.

        A relative path starts at the store's folder.

        Raises:
            SnapshotMissingError, SnapshotAmbiguousError: no or several such snapshots.
            SnapshotPathError: a path outside the folder, or none of the three.
        """
        text = str(reference)
        if HASH.fullmatch(text):  # not by listing: a folder that cannot be read looks empty
            path = self.file(text)
            if not path.exists():
                raise SnapshotMissingError(f"there is no snapshot {text} in {self.folder}")
            return path
        if _PREFIX.fullmatch(text):
            found = [sha for sha in self.shas() if sha.startswith(text)]
            if not found:
                raise SnapshotMissingError(f"there is no snapshot {text} in {self.folder}")
            if len(found) > 1:
                raise SnapshotAmbiguousError(
                    f"{len(found)} snapshots begin with {text}: "
                    f"{', '.join(sha[:16] for sha in found[:4])}; give more digits"
                )
            return self.file(found[0])
        if not text.endswith(_SUFFIX):
            raise SnapshotPathError(
                f"{text!r} does not name a snapshot: expected 4 to 64 lower-case hexadecimal "
                f"digits or a {_SUFFIX} file inside {self.folder}"
            )
        path = (self.folder / text).resolve()
        if not path.is_relative_to(self.folder.resolve()):
            raise SnapshotPathError(f"{text!r} leads out of the snapshot folder {self.folder}")
        if not path.is_file():
            raise SnapshotMissingError(f"there is no snapshot file {path}")
        return path

    def load(self, reference: str | Path) -> LoadedSnapshot:
        """Load a snapshot after checking everything that can be checked.

        That is its size and hash, description and versions, names and shapes, that all numbers are
        finite, and that one forward pass on a fixed observation gives the logits stored with it.
        Consumes no random stream.

        Args:
            reference: what `resolve` takes.

        Raises:
            SnapshotError: one of its subclasses says what is wrong; quarantine the member.
        """
        path = self.resolve(reference)
        if not HASH.fullmatch(path.stem):
            raise SnapshotPathError(f"{path.name} is not named by its hash; import it first")
        try:
            return self._load_file(path, path.stem)
        except SnapshotCorruptError:
            # A damaged file of this machine does not hide a good one of the source.
            if self.source is None or path.parent != self.folder:
                raise
            return self._check(self.source.read(path.name), path.name, path.stem)

    def import_file(self, path: str | Path) -> LoadedSnapshot:
        """Check a snapshot file from anywhere, under any name, and copy it into the store.

        A file that carries its own hash (agents.seal) must have it; one without is only probed.

        Raises:
            SnapshotMissingError: no such file.
            SnapshotError: as `load`.
            OSError: as `save`.
        """
        path = Path(path)
        raw, _ = unsealed(read_whole(path), str(path))
        loaded = self._check(raw, str(path), hashlib.sha256(raw).hexdigest())
        self._keep(raw, loaded.sha256)
        return loaded

    def _load_file(self, path: Path, sha256: str) -> LoadedSnapshot:
        return self._check(with_hash(path, sha256), str(path), sha256)

    def _check(self, raw: bytes, name: str, sha256: str) -> LoadedSnapshot:
        description = parse_header(raw, name).description
        check_versions(description, name, self.observation_versions, self.action_versions)
        header, network = decode(raw, name)
        return LoadedSnapshot(sha256, header.description, network)

    def _keep(self, raw: bytes, sha256: str) -> None:
        if self.source is not None:
            self.source.save(self.path(sha256).name, raw)
        else:
            self._write(self.path(sha256), raw, sha256)

    def _write(self, path: Path, raw: bytes, sha256: str) -> None:
        """Write the bytes unless the file already exists and is whole."""
        if path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256:
            return
        write_whole(path, raw, durable=True)
