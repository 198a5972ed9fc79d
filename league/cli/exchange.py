"""`league export` and `league import`: move weights out of a league and into it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from league.cli.options import (
    PathOf,
    answer,
    examples,
    existing_league,
    json_option,
    league_option,
    say,
)
from league.cli.words import MemberName
from league.cli.working import working
from msattn.config import FAMILIES

if TYPE_CHECKING:
    from agents.description import SnapshotDescription
    from db.records import MemberRecord
    from league.folder.layout import LeagueFolder

FORMATS = ("safetensors", "sb3", "onnx")  # as members/exports, which loads torch


@click.command(
    epilog=examples(
        "league export attention-0003 --format sb3 --out attention.zip",
        "league export 3fa9c1 --format onnx",
    )
)
@click.argument("member", type=MemberName())
@click.argument("path", required=False, type=PathOf())
@click.option(
    "--format",
    "kind",
    type=click.Choice(FORMATS),
    default="safetensors",
    show_default=True,
    help="What to write: a snapshot, a model for MaskablePPO.load, or an ONNX graph.",
)
@click.option(
    "--out",
    metavar="FILE",
    type=PathOf(),
    help="File or folder to write to; the same as PATH.  [default: ./ and the member's name]",
)
@json_option
@league_option
def export(member: str, path: Path | None, kind: str, out: Path | None, as_json: bool) -> None:
    """Write the network of MEMBER (name or hash) to a new file."""
    if path is not None and out is not None:
        raise click.UsageError("give PATH or --out, not both")
    league = existing_league()
    from league.members.exports import OPSET, export_member

    notes: list[str] = []
    with working(f"writing {member} as {kind}"):
        made = export_member(league, member, kind, out or path, notes.append)
    answer(made, {"member": member, "format": kind, "path": str(made)}, as_json=as_json)
    for text in notes:
        say(f"note: {text}", to_stderr=True)
    if kind == "onnx":
        say(
            f"note: opset {OPSET}; inputs global, local, tactical (uint8) and scalars (float32) of "
            "any batch, outputs logits and value",
            to_stderr=True,
        )


@click.command(
    "import",
    epilog=examples(
        "league import attention.safetensors",
        "league import model.zip --parent attention-0003 --name strong",
    ),
)
@click.argument("path", type=PathOf())
@click.option(
    "--family",
    type=click.Choice(FAMILIES),
    help="Family of the network with these weights.  [default: the one that they fit]",
)
@click.option(
    "--name", metavar="NAME", help="Name of the new member.  [default: made from the snapshot]"
)
@click.option(
    "--parent",
    metavar="MEMBER",
    type=MemberName(),
    help="Member (name or hash) that they were trained from.  [default: as the file says]",
)
@json_option
@league_option
def import_(
    path: Path, family: str | None, name: str | None, parent: str | None, as_json: bool
) -> None:
    """Add the weights in PATH (a snapshot, safetensors or SB3 zip) to the pool.

    An SB3 zip of `league export` that was trained on outside says itself whose child it is. A child
    begins with its parent's rating, made uncertain. Code in the file is never run. Exit code: 0
    joined, 2 refused.
    """
    from league.errors import MemberError

    if not path.is_file():
        raise MemberError(f"expected a snapshot file or SB3 zip, found no file at {path}")
    league = existing_league()
    from league.members.imports import has_no_seal, import_member

    with working(f"checking {path.name}"):
        member = import_member(league, path, family, name, parent)
    if has_no_seal(path):
        say(
            f"note: {path} carries no hash of its own, so that damage to its weights may go "
            "unnoticed; `league export` writes one now",
            to_stderr=True,
        )
    _say_joined(league, member, as_json)


def _described(league: LeagueFolder, member: MemberRecord) -> SnapshotDescription:
    from agents.snapshots import SnapshotStore, describe

    store = SnapshotStore(league.snapshot_place())
    return describe(store.file(str(member.snapshot_sha256)))


def _say_joined(league: LeagueFolder, member: MemberRecord, as_json: bool) -> None:
    """Say who joined, as whose child, and if a parent is not known here."""
    from db.queries import get_member
    from league.folder.connect import reading

    child_of, known = "", None
    if member.parent_id is not None:
        with reading(league) as session:
            known = get_member(session, member.parent_id).name
        child_of = f", child of {known}"
    elif parent := _described(league, member).parent:
        say(
            f"note: its parent, snapshot {parent[:12]}, is not a member here, so that it begins "
            "with an unknown rating; --parent names another one",
            to_stderr=True,
        )
    answer(
        f"{member.name} joined the pool ({member.family}, {member.agent_spec}{child_of})",
        {
            "name": member.name,
            "family": member.family,
            "agent_spec": member.agent_spec,
            "parent": known,
        },
        as_json=as_json,
    )
