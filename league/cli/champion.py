"""The commands about the champion: show it, make another one, go back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from league.cli.options import (
    answer,
    examples,
    existing_league,
    json_option,
    league_option,
    print_json,
    readable_league,
    say,
)
from league.cli.words import MemberName

if TYPE_CHECKING:
    from league.champion.by_hand import ChampionView


@click.command(epilog=examples("league champion", "league champion --json --league big"))
@json_option
@league_option
def champion(as_json: bool) -> int:
    """Show the champion, how it came to be, and the canaries that guard it.

    Exit code: 0 there is a champion and no canary is failing; 1 otherwise.
    """
    from league.champion.by_hand import read_champion

    view = read_champion(readable_league())
    if as_json:
        print_json(_document(view))
    else:
        for line in _lines(view):
            say(line)
    return 0 if view.present is not None and not _failing(view) else 1


@click.command(
    epilog=examples(
        "league promote attention-0009 --why long-pit",
        "league promote tribe --why new-scale --anyway --league big",
    )
)
@click.argument("member", type=MemberName())
@click.option("--why", required=True, metavar="TEXT", help="The reason, kept in the history.")
@click.option(
    "--anyway", is_flag=True, help="Promote although a canary is failing.  [default: off]"
)
@json_option
@league_option
def promote(member: str, why: str, anyway: bool, as_json: bool) -> None:
    """Make MEMBER the champion by hand."""
    from league.champion.by_hand import promote as make_champion
    from league.members.entry import find_member

    folder = existing_league()
    name = make_champion(folder, lambda session: find_member(session, member), why, anyway=anyway)
    answer(f"{name} is champion", {"champion": name}, as_json=as_json)


@click.command(
    epilog=examples("league rollback --why forgot-lakes", "league rollback --league big")
)
@click.option(
    "--why",
    default="rolled back by hand",
    show_default=True,
    metavar="TEXT",
    help="The reason, kept in the history.",
)
@json_option
@league_option
def rollback(why: str, as_json: bool) -> None:
    """Put the champion before the present one back.

    The present one does not challenge again by itself; `league promote` can make it champion.
    """
    from league.champion.by_hand import roll_back

    dismissed, put_back = roll_back(existing_league(), why)
    answer(
        f"{put_back} is champion again, in place of {dismissed}",
        {"champion": put_back, "dismissed": dismissed},
        as_json=as_json,
    )


def _failing(view: ChampionView) -> list[str]:
    return [key for key, entry in view.book.entries.items() if entry.status == "failing"]


def _lines(view: ChampionView) -> list[str]:
    present = view.present
    if present is None:
        lines = ["No champion: the first one is the best by ratings, after 30 rated matches"]
    else:
        lines = [
            f"Champion: {present.name} since {present.since:%Y-%m-%d %H:%M} UTC "
            f"({present.by}: {present.why})"
        ]
    entry = view.book.entries.get("challenge")
    if entry is not None and entry.open:
        lines.append(f"Challenger: {view.names.get(entry.a, '?')}")
    if view.book.waiting is not None:
        lines.append(f"Waiting for a canary: {view.names.get(view.book.waiting, '?')}")
    if view.reigns:
        lines.append("History")
        lines += [
            f"  {reign.since:%Y-%m-%d %H:%M}  {reign.name}  ({reign.by}: {reign.why})"
            for reign in view.reigns
        ]
    canaries = [(k, e) for k, e in sorted(view.book.entries.items()) if k != "challenge"]
    if canaries:
        lines.append("Canaries")
        for key, one in canaries:
            said = one.said or "no round is over yet"
            status = one.status.upper() if one.status == "failing" else one.status
            lines.append(f"  {status}  {key}: {said}")
    return lines


def _document(view: ChampionView) -> dict[str, Any]:
    present = view.present
    challenge = view.book.entries.get("challenge")
    return {
        "champion": None if present is None else present.name,
        "challenger": view.names.get(challenge.a) if challenge and challenge.open else None,
        "waiting": None if view.book.waiting is None else view.names.get(view.book.waiting),
        "history": [
            {
                "name": reign.name,
                "since": reign.since.isoformat(),
                "by": reign.by,
                "why": reign.why,
                "previous": reign.previous,
            }
            for reign in view.reigns
        ],
        "canaries": [
            {
                "key": key,
                "kind": entry.kind,
                "status": entry.status,
                "said": entry.said,
                "score": entry.score,
                "round": entry.round,
                "open": entry.open,
                "judged_at": entry.judged_at,
                "a": view.names.get(entry.a),
                "b": None if entry.b is None else view.names.get(entry.b),
            }
            for key, entry in sorted(view.book.entries.items())
        ],
        "failing": _failing(view),
    }
