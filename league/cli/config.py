"""`league config`: every setting with its sentence, range, default and present value."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import click

from league.cli.options import (
    examples,
    existing_league,
    has_league,
    json_option,
    league_option,
    print_json,
    say,
)
from league.cli.words import PRESETS, SettingKey

if TYPE_CHECKING:
    from league.config.listing import Setting


@click.command(
    epilog=examples("league config learner.n_matches", "league config --changed --json"),
)
@click.argument("key", type=SettingKey(), required=False)
@click.option(
    "--preset",
    type=click.Choice(PRESETS),
    help="Show a new league of this preset.  [default: the league, else small]",
)
@click.option(
    "--changed", is_flag=True, help="Show only what differs from its default.  [default: all]"
)
@json_option
@league_option
def config(key: str | None, preset: str | None, changed: bool, as_json: bool) -> None:
    """Show the settings of a league, or of a new one before its first start.

    KEY is a setting such as learner.n_matches, or a section such as learner. Defaults are those of
    the league's preset. Frozen settings stay as they were at the first start; the others are
    changed in `league.toml`, or for one start by `league start --set key=value`.
    """
    from league.config.layers import resolve
    from league.config.listing import chosen, list_settings
    from league.folder.opening import stored_config

    folder = existing_league() if preset is None and has_league() else None
    if folder is None:
        found = resolve(preset)
    else:
        found = resolve(None, folder.toml, stored=stored_config(folder))
    settings = list_settings(found)
    if key is not None:
        settings = chosen(settings, key)
    if changed:
        settings = [each for each in settings if each.is_changed]
    if as_json:
        place = None if folder is None else str(folder.root)
        rows = [each.to_json() for each in settings]
        print_json({"league": place, "preset": found.preset, "settings": rows})
        return
    where = f"a new league of the preset {found.preset}" if folder is None else str(folder.root)
    say(f"Settings of {where}")
    for each in settings:
        say(_lines(each))


def _lines(setting: Setting) -> str:
    from league.config.listing import shown

    facts = [setting.range]
    if setting.is_changed:
        facts.insert(0, f"default {shown(setting.default)}")
    if setting.is_frozen:
        facts.append("frozen at the first start")
    mark = "*" if setting.is_changed else " "
    head = f"{mark} {setting.key} = {shown(setting.value)}   ({'; '.join(facts)})"
    return "\n".join(
        [
            head,
            *textwrap.wrap(
                setting.description, 100, initial_indent=" " * 6, subsequent_indent=" " * 6
            ),
        ]
    )
