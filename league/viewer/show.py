"""Owns `league replay show --html`: the page of one match, with what the league knows of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from arena.files import write_whole
from arena.match import LoadMap
from arena.viewer.page import viewer_html
from arena.viewer.payload import Says, replay_payload
from league.errors import UsageError
from league.folder.layout import LeagueFolder
from league.store.snapshots import Snapshots
from league.viewer.found import FoundMatch
from league.viewer.thoughts import Thoughts


def check_seats(found: FoundMatch, seats: Sequence[int]) -> None:
    """Refuse seats that the match does not have.

    Raises:
        UsageError: there is no such seat.
    """
    n_seats = found.replay.spec.rules.n_seats
    for seat in seats:
        if not 0 <= seat < n_seats:
            raise UsageError(f"--seat: expected 0 to {n_seats - 1}, found {seat}")


def attended_seats(
    found: FoundMatch, seats: Sequence[int], snapshots: Snapshots | None
) -> list[int]:
    """Return the seats whose attention is computed: those asked for, else the best that has one.

    Raises:
        UsageError: no seat of the match is played by an attention network that is at hand.
    """
    if seats:
        return list(seats)
    thoughts = Thoughts(found.replay.spec.agents, snapshots)
    able = thoughts.with_attention()
    if not able:
        raise UsageError(
            "--attention: expected a match with a seat of the attention family whose snapshot is "
            "in the league, found none; name the league (--league DIR), or leave --attention out"
        )
    return [min(able, key=lambda seat: found.replay.placements[seat])]


def write_page(
    found: FoundMatch,
    load_map: LoadMap,
    folder: LeagueFolder | None,
    path: Path,
    *,
    seats: Sequence[int] = (),
    with_attention: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> int:
    """Write the page of a match and return its size in bytes.

    Args:
        seats: the first is followed when the page opens; attention is computed for all of them.
        with_attention: takes seconds to minutes on large views.
        progress: called with the ticks played back and those of the match.

    Raises:
        UsageError: a seat does not exist, or has no attention.
        ReplayError, MapError, MatchError: the match cannot be played back.
        OSError: the file cannot be written.
    """
    import torch

    torch.set_num_threads(1)
    check_seats(found, seats)
    snapshots = folder.snapshot_place() if folder is not None else None
    attended = attended_seats(found, seats, snapshots) if with_attention else []
    thoughts = Thoughts(found.replay.spec.agents, snapshots, attended)
    follow = next(iter([*seats, *attended]), None)
    payload = replay_payload(
        found.replay,
        load_map,
        Says(found.title, found.names, found.ratings, follow, thoughts.silent),
        watcher=thoughts,
        insights=thoughts.insights,
        progress=progress,
    )
    content = viewer_html(payload).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, content)
    return len(content)
