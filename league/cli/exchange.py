"""`league export` and `league import`: move weights out of a league and into it."""

from __future__ import annotations

from pathlib import Path

import click

from league.cli.options import PathOf, examples, existing_league, league_option, say
from msattn.config import FAMILIES

FORMATS = ("safetensors", "sb3", "onnx")  # as members/exports, which loads torch


@click.command(
    epilog=examples(
        "league export attention-0003 --format sb3 --out attention.zip",
        "league export 3fa9c1 --format onnx",
    )
)
@click.argument("member")
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
@league_option
def export(member: str, path: Path | None, kind: str, out: Path | None) -> None:
    """Write the network of MEMBER (name or hash) to a new file."""
    if path is not None and out is not None:
        raise click.UsageError("give PATH or --out, not both")
    league = existing_league()
    from league.members.exports import export_member

    say(export_member(league, member, kind, out or path))


@click.command(
    "import",
    epilog=examples(
        "league import attention.safetensors",
        "league import model.zip --family attention --name strong",
    ),
)
@click.argument("path", type=PathOf())
@click.option(
    "--family",
    type=click.Choice(FAMILIES),
    help="Family of the network with these weights.  [default: as a snapshot says]",
)
@click.option(
    "--name", metavar="NAME", help="Name of the new member.  [default: made from the snapshot]"
)
@league_option
def import_(path: Path, family: str | None, name: str | None) -> None:
    """Add the weights in PATH (a snapshot, safetensors or SB3 zip) to the pool."""
    from league.errors import MemberError

    if not path.is_file():
        raise MemberError(f"expected a snapshot file or SB3 zip, found no file at {path}")
    league = existing_league()
    from league.members.imports import has_no_seal, import_member

    member = import_member(league, path, family, name)
    if has_no_seal(path):
        say(
            f"note: {path} carries no hash of its own, so that damage to its weights may go "
            "unnoticed; `league export` writes one now",
            to_stderr=True,
        )
    say(f"{member.name} joined the pool ({member.family}, {member.agent_spec})")
