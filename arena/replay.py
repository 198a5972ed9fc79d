"""Replays: a match as a file of its description and actions, and the check that it replays.

A replay is `b"TLR1"` and zlib-compressed JSON (description, result, rules version, and since 0.2.0
a label: the members' names and the hashes of rules and map) followed by the packed actions of the
living seats. A 3,000-tick match of ten seats takes about 2 KB. Playing it back needs no agents: the
actions alone lead to the same final state.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arena.errors import MatchError, ReplayError
from arena.files import write_together, write_whole
from arena.foreign import ForeignFileError, parse_json, read_foreign, unpack
from arena.lockstep import DEAD, LiveMatch
from arena.match import LoadMap, MatchResult, MatchSpec, most_actions, start_match, unpack_actions
from arena.territory.engine.rules import RULES_VERSION
from arena.territory.maps import GeneratedReference, TerritoryMap, load_map, parse_reference

_MAGIC = b"TLR1"
# A match of the longest that a league allows (100,000 decisions of 64 seats) packs into less.
_MAX_FILE_BYTES = 16 * 2**20
_MAX_HEADER_BYTES = 2**20  # ours take 2 kB
_MAX_TICKS = 1_000_000  # ten times what a league allows
MAX_MAP_TILES = 2**22
"""Tiles of the largest map that `load_small_map` makes for a replay, 2,048 x 2,048."""
SUFFIX = ".replay"
_MAX_NAME = 200  # characters, as the table of members has it


@dataclass(frozen=True)
class Label:
    """What a league says of a match beside it, so that a replay tells its story alone.

    Attributes:
        names: of the members, seat by seat, when the match was recorded; () if nobody said.
        rules_sha256, map_sha256: identities of rules (with their version) and map, or "".
        match_id: number of the match in its league, or None.
    """

    names: tuple[str, ...] = ()
    rules_sha256: str = ""
    map_sha256: str = ""
    match_id: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return a dict of JSON types; `_to_label` is the inverse."""
        return {**asdict(self), "names": list(self.names)}


NO_LABEL = Label()


@dataclass(frozen=True)
class Replay:
    """A recorded match.

    Attributes:
        actions: uint8, the actions of the living seats, decision by decision, seat by seat.
        ticks, final_state_sha256, placements: as recorded.
        rules_version: of the program that recorded it.
        label: empty in replays that releases before 0.2.0 recorded.
    """

    spec: MatchSpec
    actions: NDArray[np.uint8]
    ticks: int
    final_state_sha256: str
    placements: tuple[int, ...]
    rules_version: int
    label: Label = NO_LABEL


def write_replay(result: MatchResult, path: Path, label: Label = NO_LABEL) -> int:
    """Write a finished match atomically, for a file that nothing refers to; return its size.

    A replay that a row of a database names is written by `write_replays`.
    """
    content = to_bytes(result, label)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, content)
    return len(content)


def write_replays(
    results: Mapping[Path, MatchResult], labels: Mapping[Path, Label] | None = None
) -> None:
    """Write finished matches; on return their replays and names are on disk, whatever happens next.

    The folders must exist. A database row may refer to the replays only afterwards.
    """
    said = labels or {}
    packed = {path: to_bytes(found, said.get(path, NO_LABEL)) for path, found in results.items()}
    write_together(packed)


def to_bytes(result: MatchResult, label: Label) -> bytes:
    """Return a finished match as the bytes of a replay file."""
    header = {
        "spec": result.spec.to_json(),
        "ticks": result.ticks,
        "final_state_sha256": result.final_state_sha256,
        "placements": list(result.placements),
        "rules_version": RULES_VERSION,
        "label": label.to_json(),
    }
    packed = zlib.compress(json.dumps(header, separators=(",", ":")).encode(), 9)
    return _MAGIC + struct.pack("<I", len(packed)) + packed + result.actions


def read_replay(path: Path) -> Replay:
    """Read a replay.

    Raises:
        ReplayError: it is missing, damaged, or not a replay.
    """
    try:
        content = read_foreign(path, _MAX_FILE_BYTES)
    except ForeignFileError as error:
        raise ReplayError(f"the replay cannot be read: {error}") from error
    if content[:4] != _MAGIC or len(content) < 8:
        raise ReplayError(f"{path} is not a replay: it does not begin with {_MAGIC.decode()}")
    (length,) = struct.unpack("<I", content[4:8])
    try:
        header: dict[str, Any] = parse_json(unpack(content[8 : 8 + length], _MAX_HEADER_BYTES))
        spec = _playable(MatchSpec.from_json(header["spec"]))
        return Replay(
            spec=spec,
            actions=unpack_actions(content[8 + length :], min(most_actions(spec.rules), 2**26)),
            ticks=int(header["ticks"]),
            final_state_sha256=str(header["final_state_sha256"]),
            placements=tuple(int(placement) for placement in header["placements"]),
            rules_version=int(header["rules_version"]),
            label=_to_label(header.get("label"), spec),
        )
    except (LookupError, TypeError, ValueError, OverflowError, MatchError) as error:
        raise ReplayError(f"{path}: the replay is damaged: {error}") from error


def _to_label(found: dict[str, Any] | None, spec: MatchSpec) -> Label:
    """Return a label as it was written, or an empty one; raise ValueError for anything else."""
    if found is None:
        return NO_LABEL
    names = tuple(map(str, found["names"]))
    if names and len(names) != spec.rules.n_seats:
        raise ValueError(f"expected {spec.rules.n_seats} names, found {len(names)}")
    if any(len(name) > _MAX_NAME for name in names):
        raise ValueError(f"expected names of at most {_MAX_NAME} characters, found longer ones")
    match_id = found["match_id"]
    return Label(
        names=names,
        rules_sha256=str(found["rules_sha256"])[:64],
        map_sha256=str(found["map_sha256"])[:64],
        match_id=None if match_id is None else int(match_id),
    )


def _playable(spec: MatchSpec) -> MatchSpec:
    """Return a description that can be played back within minutes; raise MatchError otherwise."""
    rules = spec.rules
    if max(rules.max_ticks, rules.ticks_per_decision) > _MAX_TICKS:
        raise MatchError(
            f"expected max_ticks and ticks_per_decision of at most {_MAX_TICKS:,}, found "
            f"{rules.max_ticks} and {rules.ticks_per_decision}"
        )
    if not 0 <= spec.seed < 2**63 or not 0 <= spec.rotation < 2**63:
        raise MatchError(
            "expected a seed and a rotation of 0 to 2^63 - 1, found "
            f"{spec.seed} and {spec.rotation}"
        )
    return spec


def load_small_map(reference: str, base: Path, most_tiles: int = MAX_MAP_TILES) -> TerritoryMap:
    """Load the map that a replay from elsewhere names, unless generating it would take gigabytes.

    Raises:
        ReplayError: the map has more than `most_tiles` tiles.
        MapError: it cannot be loaded.
    """
    parsed = parse_reference(reference)
    n_tiles = parsed.width * parsed.height if isinstance(parsed, GeneratedReference) else 0
    if n_tiles > most_tiles:
        raise ReplayError(
            f"the replay names the map {reference}, and maps of more than {most_tiles:,} tiles are "
            "not generated for a replay file; play it back by its number in the league that "
            "recorded it"
        )
    return load_map(reference, base=base)


def playing(
    replay: Replay, load_map: LoadMap
) -> Iterator[tuple[LiveMatch, NDArray[np.int64] | None]]:
    """Play a replay back; yield the match before each decision, and at its end.

    The match is one object that goes on when the next item is asked for; beside it stand the
    actions that are then played, int64[seats] with DEAD for dead seats and those of the engine, and
    None at the end.

    Raises:
        ReplayError: it was recorded under another rules version, or its actions run out.
        MapError, MatchError: its map is missing or has changed.
    """
    if replay.rules_version != RULES_VERSION:
        raise ReplayError(
            f"the replay was recorded under rules version {replay.rules_version}, and this program "
            f"plays version {RULES_VERSION}; verify it with the release that recorded it"
        )
    match = start_match(replay.spec, load_map, [None] * replay.spec.rules.n_seats)
    at = 0
    while not match.engine.is_over:
        acting = match.acting
        n = int(acting.sum())
        if at + n > len(replay.actions):
            raise ReplayError(
                f"the replay holds {len(replay.actions)} actions, and the match needs more at "
                f"decision {match.n_decisions}: it is damaged, or of another match"
            )
        actions = np.full(len(acting), DEAD, np.int64)
        actions[acting] = replay.actions[at : at + n]
        at += n
        yield match, actions
        match.advance(actions)
    yield match, None


def play_back(replay: Replay, load_map: LoadMap, n_decisions: int | None = None) -> LiveMatch:
    """Play a replay's actions to the end, or only the first `n_decisions` decisions.

    Raises:
        ReplayError, MapError, MatchError: as `playing`.
    """
    for match, _ in playing(replay, load_map):
        if n_decisions is not None and match.n_decisions >= n_decisions:
            break
    return match


def verify(replay: Replay, load_map: LoadMap) -> str:
    """Play a replay back, compare the final state and return its SHA-256.

    Raises:
        ReplayError: the end differs from the recorded one.
    """
    return check_end(replay, play_back(replay, load_map))


def check_end(replay: Replay, match: LiveMatch) -> str:
    """Compare the end of a match that was played back with the recorded one; return its SHA-256.

    Raises:
        ReplayError: the end differs.
    """
    found = match.engine.state_sha256()
    if found != replay.final_state_sha256:
        raise ReplayError(
            f"the replay ends differently: recorded state {replay.final_state_sha256[:12]} at tick "
            f"{replay.ticks}, replayed {found[:12]} at tick {match.engine.tick}"
        )
    result = (match.engine.tick, tuple(match.placements()))
    if result != (replay.ticks, replay.placements):
        raise ReplayError(
            f"the replay gives another result: recorded placements {replay.placements} after "
            f"{replay.ticks} ticks, replayed {result[1]} after {result[0]}"
        )
    return found
