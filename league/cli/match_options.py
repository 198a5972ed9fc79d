"""Owns the options that several commands which play matches share: maps, workers, the game."""

from __future__ import annotations

from collections.abc import Callable

import click

from league.cli.options import Decorated, Reference
from league.cli.words import SettingPair, complete_preset


def maps_option(command: Decorated) -> Decorated:
    """Add `--map REFERENCE`, as `maps`."""
    return click.option(
        "--map",
        "maps",
        metavar="REFERENCE",
        type=Reference(),
        multiple=True,
        help="Map to play on; repeatable.  [default: the maps of the league's rated matches]",
    )(command)


def workers_option(text: str = "Worker processes.") -> Callable[[Decorated], Decorated]:
    """Add `--workers`, as `n_workers`; None is one per core."""
    return click.option(
        "--workers",
        "n_workers",
        type=click.IntRange(1, 1_024),
        help=f"{text}  [default: one per core]",
    )


def game_options(command: Decorated) -> Decorated:
    """Add `--preset` and `--set`, as `preset` and `sets`: what is played without a league."""
    command = click.option(
        "--set",
        "sets",
        metavar="KEY=VALUE",
        type=SettingPair(),
        multiple=True,
        help="Without a league: a setting that differs from the preset, such as "
        "rules.crowd=tribes=55; repeatable.  [default: none]",
    )(command)
    return click.option(
        "--preset",
        metavar="small|classic|real",
        shell_complete=complete_preset,
        help="Without a league: whose rules and maps are played.  [default: small; real where a "
        "nation of ours plays]",
    )(command)
