"""`league members`: list the members of the pool, and change it by hand."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from league.cli.options import (
    Reference,
    answer,
    count_option,
    examples,
    existing_league,
    json_option,
    league_option,
    print_json,
    readable_league,
    say,
    stdout_console,
)
from league.cli.words import MemberName
from league.cli.working import working

if TYPE_CHECKING:
    from collections.abc import Mapping

    from db.records import MemberRecord


@click.group(
    invoke_without_command=True,
    epilog=examples("league members", "league members add plugin:mybots.rush:make"),
)
@json_option
@league_option
@click.pass_context
def members(context: click.Context, as_json: bool) -> None:
    """List the members; add, retire, rename or remove one, or let one play again."""
    if context.invoked_subcommand is None:
        _print_members(as_json)


@members.command(
    "list", epilog=examples("league members list", "league members list --json --league big")
)
@json_option
@league_option
def list_(as_json: bool) -> None:
    """List all members, including guests and retired ones."""
    _print_members(as_json)


@members.command(
    epilog=examples(
        "league members add plugin:mybots.rush:make --name rush",
        "league members add downloads/strong.safetensors",
    )
)
@click.argument("spec", type=Reference())
@click.option("--name", metavar="NAME", help="Name of the new member.  [default: made from SPEC]")
@json_option
@league_option
def add(spec: str, name: str | None, as_json: bool) -> None:
    """Add SPEC (an agent spec or a snapshot file) to the pool."""
    from league.members.entry import add_member

    with working(f"trying {spec}"):
        member = add_member(existing_league(), spec, name)
    answer(
        f"{member.name} joined the pool ({member.family}, {member.agent_spec})",
        {
            "name": member.name,
            "family": member.family,
            "agent_spec": member.agent_spec,
            "status": member.status,
        },
        as_json=as_json,
    )


@members.command(
    epilog=examples("league members retire attention-0001", "league members retire 3fa9c1")
)
@click.argument("name", type=MemberName())
@json_option
@league_option
def retire(name: str, as_json: bool) -> None:
    """Take NAME out of future matches; it keeps its rating."""
    from league.members.entry import change_status

    retired = change_status(existing_league(), name, "retired")
    document = {"name": retired.name, "status": "retired"}
    answer(f"{retired.name} is retired", document, as_json=as_json)


@members.command(
    epilog=examples("league members resume attention-0001", "league members resume 3fa9c1")
)
@click.argument("name", type=MemberName())
@json_option
@league_option
def resume(name: str, as_json: bool) -> None:
    """Let NAME, a retired, suspended or quarantined member, play again.

    A member is quarantined after its snapshot has failed in several matches; it can resume once its
    snapshot file passes all checks, for example after it was restored from a backup.
    """
    from league.members.entry import change_status

    resumed = change_status(existing_league(), name, "active")
    document = {"name": resumed.name, "status": "active"}
    answer(f"{resumed.name} is active", document, as_json=as_json)


@members.command(
    epilog=examples(
        "league members check plugin:mybots.py:make",
        "league members check plugin:mybots.rush:make --ticks 600 --json",
    )
)
@click.argument("spec", type=Reference())
@count_option("--ticks", default=300, least=10, most=100_000, text="Length of the matches.")
@click.option(
    "--edition",
    type=click.Choice(["2025", "2026"]),
    default="2025",
    show_default=True,
    help="Edition of the game: 2026 has more actions and facts.",
)
@json_option
@league_option
def check(spec: str, ticks: int, edition: str, as_json: bool) -> None:
    """Try the plug-in SPEC as `league members add` does, and say what was tried; add nothing.

    Exit code: 0 it keeps the agent contract, 2 it does not; the message says which rule it breaks.
    """
    from agents.check import check_agent
    from agents.registry import SpecError, parse_spec, whole_spec

    kind, name = parse_spec(whole_spec(spec))
    if kind != "plugin":
        raise SpecError(f"expected plugin:FILE.py:FACTORY or plugin:MODULE:FACTORY, found {spec!r}")
    started = time.monotonic()
    results = check_agent(name, max_ticks=ticks, edition=edition)
    seconds = time.monotonic() - started
    if as_json:
        rows = [
            {
                "agents": list(result.spec.agents),
                "ticks": result.ticks,
                "placements": list(result.placements),
                "illegal": list(result.n_illegal),
            }
            for result in results
        ]
        print_json({"spec": f"plugin:{name}", "ok": True, "seconds": seconds, "matches": rows})
        return
    say(f"plugin:{name} keeps the agent contract; tried in a process of its own, {seconds:.1f} s:")
    say("  it loads, and its factory makes an agent with reset and act")
    for number, result in enumerate(results, start=1):
        seated = zip(result.spec.agents, result.placements, strict=True)
        places = [str(place) for agent, place in seated if agent == f"plugin:{name}"]
        say(
            f"  match {number}: {len(places)} of {len(result.placements)} seats, {result.ticks} "
            f"ticks, places {', '.join(places)}, no illegal action"
        )
    say("  match 1 ends the same alone and batched with match 2")


@members.command(
    epilog=examples(
        "league members rename attention-0003-2 strong", "league members rename 3fa9c1 best --json"
    )
)
@click.argument("old", type=MemberName())
@click.argument("new")
@json_option
@league_option
def rename(old: str, new: str, as_json: bool) -> None:
    """Call the member OLD (name, agent spec or hash) NEW; its rating and matches stay.

    Names that a learner gives to its snapshots, such as attention-0007, and names of scripted
    agents are reserved. A name of an older league that holds unsafe characters may be given as
    `league members` shows it. Exit code: 0 renamed, 2 refused.
    """
    from league.members.entry import rename_member

    former, member = rename_member(existing_league(), old, new)
    if as_json:
        print_json({"old": former, "name": member.name})
    else:
        say(f"{former} is called {member.name}")


@members.command(epilog=examples("league members remove typo", "league members remove typo --json"))
@click.argument("name", type=MemberName())
@json_option
@league_option
def remove(name: str, as_json: bool) -> None:
    """Remove NAME, a member that never played, while the league is stopped.

    A member with matches, children or results in training stays, because ratings rest on it: retire
    it. Exit code: 0 removed, 2 refused.
    """
    from league.daemon.lock import hold_lock
    from league.members.entry import remove_member

    folder = existing_league()
    with hold_lock(folder):
        removed = remove_member(folder, name)
    if as_json:
        print_json({"removed": removed.name})
    else:
        say(f"{removed.name} is removed")


def _print_members(as_json: bool) -> None:
    from db.queries import list_members
    from league.folder.connect import reading

    with reading(readable_league()) as session:
        found = list_members(session)
    if as_json:
        names = {member.id: member.name for member in found}
        rows = [_document(member, names) for member in found]
        print_json({"members": rows}, "league-members/1")
        return
    from rich.table import Table

    from league.report.console import foreign
    from league.report.fitting import FittingTable

    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("name", "family", "role", "status", "snapshot", "spec"):
        table.add_column(heading, no_wrap=True)
    table.add_column("decisions", justify="right", no_wrap=True)
    for member in found:
        sha256 = member.snapshot_sha256
        table.add_row(
            foreign(member.name),
            member.family,
            member.role,
            member.status,
            "-" if sha256 is None else sha256[:12],
            foreign("-" if sha256 is not None else member.agent_spec),
            f"{member.trained_decisions:,}",
        )
    cut = ["spec", "name", "snapshot"]
    stdout_console().print(FittingTable(table, cut, ("family", "role", "snapshot", "spec")))


def _document(member: MemberRecord, names: Mapping[int, str]) -> dict[str, object]:
    return {
        "name": member.name,
        "family": member.family,
        "role": member.role,
        "status": member.status,
        "agent_spec": member.agent_spec,
        "snapshot": member.snapshot_sha256,
        "parent": None if member.parent_id is None else names.get(member.parent_id),
        "generation": member.generation,
        "trained_decisions": member.trained_decisions,
        "failures": member.failures,
        "pruned": member.details.get("pruned"),
        "taught": member.details.get("taught"),
        "relation_mask": member.details.get("relation_mask") is True,
        "created_at": member.created_at.isoformat(),
    }
