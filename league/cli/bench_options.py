"""Owns what the commands of `league bench` share: their options, and a line for each step."""

from __future__ import annotations

from collections.abc import Callable

import click

from league.cli.options import Decorated, say
from league.cli.words import PRESETS
from msattn.config import FAMILIES


def preset_option(command: Decorated) -> Decorated:
    """Add `--preset`, whose settings are measured."""
    return click.option(
        "--preset",
        type=click.Choice(PRESETS),
        default="small",
        show_default=True,
        help="Preset whose settings are measured.",
    )(command)


def family_option(*, default: str = "attention") -> Callable[[Decorated], Decorated]:
    """Add `--family`, which is trained."""
    return click.option(
        "--family",
        type=click.Choice(FAMILIES),
        default=default,
        show_default=True,
        help="Family of the network to train.",
    )


def sets_option(
    text: str = "Change a setting, as in `league start`",
) -> Callable[[Decorated], Decorated]:
    """Add `--set KEY=VALUE`, as `sets`."""
    return click.option(
        "--set",
        "sets",
        metavar="KEY=VALUE",
        multiple=True,
        help=f"{text}; repeatable.  [default: none]",
    )


def numbers(value: str, most: int) -> tuple[int, ...]:
    """Return the numbers of `1,4,16`, each from 1 to `most`; raise click.BadParameter."""
    parts = value.split(",")
    if not all(part.isdecimal() and 1 <= int(part) <= most for part in parts):
        raise click.BadParameter(f"expected numbers from 1 to {most} like 1,2, found {value!r}")
    return tuple(int(part) for part in parts)


def tell(text: str) -> None:
    """Say on stderr what is being measured."""
    say(f"{text} ..", to_stderr=True)
