"""Replays: a match as a file of its description and actions, and the check that it replays.

A replay is `b"TLR1"` and zlib-compressed JSON (description, result, observation and rules versions)
followed by the packed actions of the living seats. A 3,000-tick match of ten seats takes about
2 KB. Playing it back needs no agents: the actions alone lead to the same final state.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arena.errors import MatchError, ReplayError
from arena.files import write_together, write_whole
from arena.lockstep import DEAD, LiveMatch
from arena.match import LoadMap, MatchResult, MatchSpec, start_match, unpack_actions
from arena.territory.engine.rules import RULES_VERSION

_MAGIC = b"TLR1"
SUFFIX = ".replay"


@dataclass(frozen=True)
class Replay:
    """A recorded match.

    Attributes:
        actions: uint8, the actions of the living seats, decision by decision, seat by seat.
        ticks, final_state_sha256, placements: as recorded.
        rules_version: of the program that recorded it.
    """

    spec: MatchSpec
    actions: NDArray[np.uint8]
    ticks: int
    final_state_sha256: str
    placements: tuple[int, ...]
    rules_version: int


def write_replay(result: MatchResult, path: Path) -> int:
    """Write a finished match atomically, for a file that nothing refers to; return its size.

    A replay that a row of a database names is written by `write_replays`.
    """
    content = _to_bytes(result)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, content)
    return len(content)


def write_replays(results: Mapping[Path, MatchResult]) -> None:
    """Write finished matches; on return their replays and names are on disk, whatever happens next.

    The folders must exist. A database row may refer to the replays only afterwards.
    """
    write_together({path: _to_bytes(result) for path, result in results.items()})


def _to_bytes(result: MatchResult) -> bytes:
    header = {
        "spec": result.spec.to_json(),
        "ticks": result.ticks,
        "final_state_sha256": result.final_state_sha256,
        "placements": list(result.placements),
        "rules_version": RULES_VERSION,
    }
    packed = zlib.compress(json.dumps(header, separators=(",", ":")).encode(), 9)
    return _MAGIC + struct.pack("<I", len(packed)) + packed + result.actions


def read_replay(path: Path) -> Replay:
    """Read a replay.

    Raises:
        ReplayError: it is missing, damaged, or not a replay.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ReplayError(f"{path}: the replay cannot be read: {error.strerror}") from error
    if content[:4] != _MAGIC or len(content) < 8:
        raise ReplayError(f"{path} is not a replay: it does not begin with {_MAGIC.decode()}")
    (length,) = struct.unpack("<I", content[4:8])
    try:
        header: dict[str, Any] = json.loads(zlib.decompress(content[8 : 8 + length]))
        return Replay(
            spec=MatchSpec.from_json(header["spec"]),
            actions=unpack_actions(content[8 + length :]),
            ticks=int(header["ticks"]),
            final_state_sha256=str(header["final_state_sha256"]),
            placements=tuple(int(placement) for placement in header["placements"]),
            rules_version=int(header["rules_version"]),
        )
    except (zlib.error, LookupError, TypeError, ValueError, OverflowError, MatchError) as error:
        raise ReplayError(f"{path}: the replay is damaged: {error}") from error


def play_back(replay: Replay, load_map: LoadMap, n_decisions: int | None = None) -> LiveMatch:
    """Play a replay's actions to the end, or only the first `n_decisions` decisions.

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
    while not match.engine.is_over and (n_decisions is None or match.n_decisions < n_decisions):
        alive = match.living
        n = int(alive.sum())
        if at + n > len(replay.actions):
            raise ReplayError(
                f"the replay holds {len(replay.actions)} actions, and the match needs more at "
                f"decision {match.n_decisions}: it is damaged, or of another match"
            )
        actions = np.full(len(alive), DEAD, np.int64)
        actions[alive] = replay.actions[at : at + n]
        at += n
        match.advance(actions)
    return match


def verify(replay: Replay, load_map: LoadMap) -> str:
    """Play a replay back, compare the final state and return its SHA-256.

    Raises:
        ReplayError: the end differs from the recorded one.
    """
    match = play_back(replay, load_map)
    found = match.engine.state_sha256()
    if found != replay.final_state_sha256:
        raise ReplayError(
            f"the replay ends differently: recorded state {replay.final_state_sha256[:12]} at tick "
            f"{replay.ticks}, replayed {found[:12]} at tick {match.engine.tick}"
        )
    result = (match.engine.tick, tuple(match.engine.placements()))
    if result != (replay.ticks, replay.placements):
        raise ReplayError(
            f"the replay gives another result: recorded placements {replay.placements} after "
            f"{replay.ticks} ticks, replayed {result[1]} after {result[0]}"
        )
    return found
