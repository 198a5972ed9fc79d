"""`league replay`: recorded matches, played back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from league.cli.common import (
    examples,
    existing_league,
    json_option,
    league_option,
    league_root,
    print_json,
)

if TYPE_CHECKING:
    from league.folder import LeagueFolder


@click.group(epilog=examples("league replay verify 12", "league replay verify match.replay"))
@league_option
def replay() -> None:
    """Play recorded matches back."""


@replay.command(
    epilog=examples("league replay verify 12", "league replay verify match.replay --json")
)
@click.argument("match")
@json_option
@league_option
def verify(match: str, as_json: bool) -> None:
    """Play MATCH (its number in the league, or a replay file) back to the same final state."""
    from arena.replay import read_replay
    from arena.replay import verify as play_and_compare
    from arena.territory.maps import load_map

    path = _replay_path(existing_league(), int(match)) if match.isdecimal() else Path(match)
    recorded = read_replay(path)
    sha256 = play_and_compare(
        recorded, lambda reference: load_map(reference, base=league_root().resolve())
    )
    if as_json:
        print_json(
            {
                "match": match,
                "ticks": recorded.ticks,
                "final_state_sha256": sha256,
                "placements": list(recorded.placements),
            }
        )
    else:
        click.echo(f"{match}: {recorded.ticks} ticks played back to the same state {sha256[:16]}")


def _replay_path(folder: LeagueFolder, match_id: int) -> Path:
    from db.queries import get_match
    from db.session import open_reader, read_transaction
    from league.errors import FolderError

    engine = open_reader(folder.database())
    try:
        with read_transaction(engine) as session:
            match = get_match(session, match_id)
    finally:
        engine.dispose()
    if match.replay_path is None:
        raise FolderError(f"match {match_id} is {match.status} and has no replay")
    return folder.inside(match.replay_path)
