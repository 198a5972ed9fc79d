"""Owns the text of `league.toml`: every key with its value and the sentence that explains it.

Promises: reading the text back gives the same settings; None is written as "off".
"""

from __future__ import annotations

import json
import textwrap
from typing import Any

from pydantic import BaseModel

from league.config.kinds import OFF
from league.config.tree import FROZEN, LeagueConfig
from league.config.whole import LAST_LINE, MARK

HEAD = f"""\
# The settings of this league, written by its first `league start`.
{MARK}
# Frozen: preset, [rules], [maps], [views], [network], rating.engine. The others may be changed
# while the league is stopped; `league start --set key=value` changes one for a single start. "off"
# turns a setting off.
"""


def write_toml(config: LeagueConfig) -> str:
    """Return the settings as TOML with a comment for each key."""
    lines = [HEAD]
    _write_section(lines, config, "")
    lines += ["", LAST_LINE]
    return "\n".join(lines) + "\n"


def _write_section(lines: list[str], section: BaseModel, path: str) -> None:
    """Append values first, then nested sections: in TOML, keys after a table belong to it."""
    nested: list[tuple[str, Any]] = []
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        if isinstance(value, BaseModel) or _is_table_list(value):
            nested.append((f"{path}.{name}" if path else name, value))
            continue
        if field.description:
            lines += textwrap.wrap(
                field.description, 96, initial_indent="# ", subsequent_indent="#   "
            )
        lines.append(f"{name} = {toml_value(value)}")
    for name, value in nested:
        for entry in value if isinstance(value, tuple) else (value,):
            lines.append("")
            if name in FROZEN:
                lines.append("# Frozen at the first start.")
            lines.append(f"[[{name}]]" if isinstance(value, tuple) else f"[{name}]")
            _write_section(lines, entry, name)


def toml_value(value: Any) -> str:
    """Return one value in TOML; None is "off"."""
    if value is None:
        return json.dumps(OFF)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple | list):
        return "[" + ", ".join(toml_value(entry) for entry in value) + "]"
    if isinstance(value, str):
        # JSON's escapes are valid TOML, except that JSON leaves DEL as it is.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(value)


def _is_table_list(value: Any) -> bool:
    return isinstance(value, tuple) and bool(value) and isinstance(value[0], BaseModel)
