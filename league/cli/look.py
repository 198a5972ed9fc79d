"""`league look`: what one seat saw at one decision, and where its network attended."""

from __future__ import annotations

from pathlib import Path

import click

from league.cli.options import (
    PathOf,
    Reference,
    examples,
    existing_league,
    json_option,
    league_option,
    league_root,
    print_json,
    say,
)
from league.cli.working import working
from league.errors import UsageError


@click.command(
    epilog=examples(
        "league look 12 --seat 3 --decision 60 --png seat-3.png",
        "league look 12 --seat 3 --decision 60 --attention --png attention.png",
    )
)
@click.argument("match", type=Reference())
@click.option("--seat", type=int, required=True, help="Seat to look at, counted from 0.")
@click.option("--decision", type=int, required=True, help="Decision to look at, counted from 0.")
@click.option(
    "--png",
    "png_path",
    metavar="FILE",
    type=PathOf(dir_okay=False),
    help="Draw the views into this file (needs the extra `plot`).  [default: none]",
)
@click.option(
    "--attention",
    "with_attention",
    is_flag=True,
    help="Show which places, views and neighbours the seat's network attends to, and in how many "
    "of its decisions another order is chosen without; only for the attention family.  "
    "[default: off]",
)
@json_option
@league_option
def look(
    match: str,
    seat: int,
    decision: int,
    png_path: Path | None,
    with_attention: bool,
    as_json: bool,
) -> None:
    """Show what a seat of MATCH (its number in the league, or a replay file) saw."""
    from league.inspect.look import attend, find_replay, load_attention, map_loader, measure, see
    from league.inspect.worth import weigh

    if png_path is None and not as_json and not with_attention:
        raise UsageError("expected --png FILE, --json or --attention, found none of them; give one")
    if png_path is not None:
        from league.report.figures import require_matplotlib

        require_matplotlib()  # before a long match is played back in vain
    folder = existing_league() if match.isdecimal() or with_attention else None
    replay, names = find_replay(match, folder)
    base = league_root().resolve()
    load_map = map_loader(match, base)
    record = worth = None
    with working(f"playing match {match} back to decision {decision}") as task:
        sight = see(replay, seat, decision, load_map)
        if with_attention:
            snapshots = folder.snapshot_place() if folder else None
            loaded = load_attention(sight, replay, snapshots)
            record = attend(sight, replay, snapshots, loaded)
            worth = weigh(loaded, replay, seat, load_map, task.update)
    if png_path is not None:
        from league.inspect.picture import Caption, draw_attention, draw_views

        caption = Caption(Path(match).stem, names.get(seat, sight.agent[:24]))
        if record is None:
            path = draw_views(sight, caption, png_path)
        else:
            path = draw_attention(sight, record, caption, png_path)
        if not as_json:
            say(path)
    numbers = measure(sight, record, worth)
    if as_json:
        print_json({"match": match, "member": names.get(seat), **numbers})
    elif with_attention:
        from league.inspect.text import attention_lines

        say("\n".join(attention_lines(numbers, names.get(seat, sight.agent[:24]))))
