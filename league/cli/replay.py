"""`league replay`: play recorded matches back."""

from __future__ import annotations

import click

from league.cli.options import (
    Reference,
    examples,
    existing_league,
    json_option,
    league_option,
    league_root,
    print_json,
    say,
)


@click.group(epilog=examples("league replay verify 12", "league replay verify match.replay"))
@league_option
def replay() -> None:
    """Play recorded matches back."""


@replay.command(
    epilog=examples("league replay verify 12", "league replay verify match.replay --json")
)
@click.argument("match", type=Reference())
@json_option
@league_option
def verify(match: str, as_json: bool) -> None:
    """Play MATCH (its number in the league, or a replay file) back and compare the final state."""
    from arena.replay import verify as play_and_compare
    from league.inspect.look import find_replay, map_loader

    recorded, _ = find_replay(match, existing_league() if match.isdecimal() else None)
    sha256 = play_and_compare(recorded, map_loader(match, league_root().resolve()))
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
        say(f"{match}: {recorded.ticks} ticks played back to the same final state {sha256[:16]}")
