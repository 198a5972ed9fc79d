"""Owns what the best attention member saw and looked at: three moments of one recorded match.

Promises: the moments are at a fifth, a half and four fifths of its life in the newest match with a
replay; a snapshot or a replay that cannot be read is a sentence, and the page is made all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from league.inspect.look import Sight, attend, map_loader, measure, see
from league.page.picture import data_uri

if TYPE_CHECKING:
    from db.records import MatchMoment
    from league.folder.layout import LeagueFolder
    from league.page.facts import PageFacts
    from league.report.state import MemberRow
    from msattn.inspect import AttentionRecord

MOMENTS = (0.2, 0.5, 0.8)  # of the member's life in the match
MOST_TILES = 2**18  # 512 x 512: a larger map takes longer than the rest of the page
GLOW = np.array([255.0, 210.0, 40.0])  # where attention is, over the view's own colours


@dataclass(frozen=True)
class View:
    """One view at one moment: as it is, with attention over it, and the numbers of its last layer.

    `shares` and `areas` are by region (league.inspect.look.REGIONS).
    """

    name: str
    picture: str
    glowing: str
    shares: Mapping[str, float]
    areas: Mapping[str, float]
    entropy: float


@dataclass(frozen=True)
class Moment:
    """One decision: what the seat chose then, its views, and the neighbours it looked at.

    `neighbours` are (name, share of the attention), most first; () for a network that does not
    read them. `views` are () for one that reads neighbours alone.
    """

    decision: int
    tick: int
    action: str
    views: tuple[View, ...]
    neighbours: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class Attention:
    """What is shown of attention; `missing` says why there is nothing."""

    member: str = ""
    match_id: int = 0
    seat: int = 0
    scale_weights: Mapping[str, float] = field(default_factory=dict)
    moments: tuple[Moment, ...] = ()
    missing: str = ""


def attention_of(
    facts: PageFacts, folder: LeagueFolder, progress: Callable[[int], None] = lambda n: None
) -> Attention:
    """Look at the best attention member that a recorded match shows.

    Args:
        progress: called with how many of the MOMENTS were looked at.
    """
    from agents.errors import AgentError
    from arena.errors import ArenaError
    from league.errors import LeagueError
    from msattn.errors import NetworkError

    members = [row for row in facts.ranked if row.family == "attention" and row.snapshot]
    if not members:
        return Attention(missing="No member with attention has played a rated match yet.")
    members.sort(key=lambda row: -(row.conservative or -1e9))
    for member in members[:3]:
        found = newest_match(facts, member)
        if found is None:
            continue
        match, seat, died = found
        try:
            return moments_of(folder, member.name, match, seat, died, progress)
        except (AgentError, ArenaError, LeagueError, NetworkError, OSError) as error:
            return Attention(missing=f"The attention of {member.name} cannot be shown: {error}.")
    return Attention(missing="No match of a member with attention has a replay.")


def newest_match(facts: PageFacts, member: MemberRow) -> tuple[MatchMoment, int, int] | None:
    """Return its newest match with a replay: (match, seat, tick of its death or of the end)."""
    kept = {match.id: match for match in facts.matches if match.replay_path}
    seats = facts.seats[facts.seats["member_id"] == member.id]
    for row in seats[::-1]:
        match = kept.get(int(row["match_id"]))
        if match is not None:
            died = int(row["eliminated_tick"])
            return match, int(row["seat"]), match.ticks if died < 0 else died
    return None


def moments_of(
    folder: LeagueFolder,
    member: str,
    match: MatchMoment,
    seat: int,
    died: int,
    progress: Callable[[int], None] = lambda n: None,
) -> Attention:
    """Return what a seat looked at at the MOMENTS of its life in a recorded match.

    Args:
        member: its name.
        died: tick of its death or of the end.

    Raises:
        ReplayError, MapError, MatchError: the match cannot be played back.
        AgentError, NetworkError, UsageError: the seat has no network with attention at hand.
    """
    from arena.replay import read_replay

    assert match.replay_path is not None
    replay = read_replay(folder.replay(match.replay_path))
    load_map = map_loader(str(match.id), folder.root)
    per_decision = replay.spec.rules.ticks_per_decision
    last = max(min(died, replay.ticks) // per_decision - 1, 0)
    land = load_map(replay.spec.map)
    if land.width * land.height > MOST_TILES:
        return Attention(
            missing=f"Match {match.id} is on a map of {land.width} x {land.height} tiles, too "
            f"large to be played back here: `league look {match.id} --attention` shows it."
        )
    moments, weights = [], dict[str, float]()
    for n, share in enumerate(MOMENTS):
        progress(n)
        sight = see(replay, seat, round(share * last), lambda _: land)
        record = attend(sight, replay, folder.snapshot_place())
        numbers = measure(sight, record)
        weights = numbers["attention"].get("scale_weights", {})
        moments.append(
            Moment(
                sight.decision,
                sight.tick,
                numbers["action_name"],
                tuple(_view(name, sight, record, numbers) for name in record.spatial),
                _neighbours(numbers["attention"].get("neighbours", ())),
            )
        )
    return Attention(member, match.id, seat, weights, tuple(moments))


def _neighbours(found: Sequence[Mapping[str, Any]]) -> tuple[tuple[str, float], ...]:
    shares = [(str(each["name"]), float(each["seat"])) for each in found]
    return tuple(sorted(shares, key=lambda pair: -pair[1]))


def _view(name: str, sight: Sight, record: AttentionRecord, numbers: Mapping[str, Any]) -> View:
    from league.inspect.picture import composite

    base = np.clip(composite(sight.observation[name]) * 255.0, 0.0, 255.0)
    side = base.shape[0]
    shares = record.shares(name, -1, side)[0]
    found = numbers["attention"]["views"][name]
    last = found["spatial"][-1]
    return View(
        name,
        data_uri(np.round(base).astype(np.uint8)),
        data_uri(np.round(glow(base, shares)).astype(np.uint8)),
        last["shares"],
        found["area"],
        last["entropy"],
    )


def glow(base: NDArray[np.float64], shares: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Return a picture with attention over it: dark where there is less than an even share of it.

    Args:
        base: float64[S, S, 3], 0 to 255.
        shares: float[S, S], summing to 1.
    """
    relative = shares * shares.size  # 1 is even attention
    dim = np.clip(0.35 + 0.65 * relative, 0.35, 1.0)[..., None]
    bright = np.clip((relative - 1.0) / 3.0, 0.0, 0.8)[..., None]
    return np.asarray(base * dim * (1.0 - bright) + GLOW * bright)
