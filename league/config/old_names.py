"""Owns the names that settings had in older versions, so that older leagues still start.

Promises: settings come out under their present names, whichever name they were written under, so
that all other code uses one name per setting.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agents.scripted import FORMER_NAMES
from league.errors import ConfigError

# Dotted section, old key, present key
_RENAMED_KEYS = (("learner.reward", "fellows", "team_share"),)


def with_present_names(values: Mapping[str, Any], source: str) -> dict[str, Any]:
    """Return the settings of one place with old names replaced by present ones.

    Args:
        values: nested settings; values of the wrong type are left for the type check to refuse.
        source: where they were written, for the message.

    Raises:
        ConfigError: a setting is given there under both of its names.
    """
    renamed = dict(values)
    for section_name, old, new in _RENAMED_KEYS:
        section = _copied_section(renamed, section_name)
        if section is None or old not in section:
            continue
        if new in section:
            raise ConfigError(
                f"{source}: expected {section_name}.{new} or its old name {old}, found both; "
                f"remove {old}"
            )
        section[new] = section.pop(old)
    rating = _copied_section(renamed, "rating")
    if rating is not None and isinstance(rating.get("anchors"), list | tuple):
        rating["anchors"] = [
            FORMER_NAMES.get(name, name) if isinstance(name, str) else name
            for name in rating["anchors"]
        ]
    return renamed


def _copied_section(values: dict[str, Any], dotted: str) -> dict[str, Any] | None:
    """Return a copy of the section, placed in `values` so that it may be changed, or None."""
    for name in dotted.split("."):
        section = values.get(name)
        if not isinstance(section, Mapping):
            return None
        values[name] = values = dict(section)
    return values
