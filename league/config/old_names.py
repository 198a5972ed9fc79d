"""Owns what differs in the settings of older leagues, so that they still start: names, and frozen
settings that they do not have.

Promises: settings come out under their present names, whichever name they were written under, so
that all other code uses one name per setting; a frozen setting that is younger than a league has
the value that the league was made with.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agents.scripted import FORMER_NAMES
from league.errors import ConfigError

# Dotted section, old key, present key
_RENAMED_KEYS = (("learner.reward", "fellows", "team_share"),)
# Section, frozen key, what leagues without the key did
_BEFORE_THE_KEY: tuple[tuple[str, str, Any], ...] = (
    ("rating", "engine", "trueskill"),
    ("views", "observation_version", 1),
)


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


def with_old_defaults(values: Mapping[str, Any], source: str) -> dict[str, Any]:
    """Return the settings that a league stored, under present names and with `kept_values`."""
    completed = with_present_names(values, source)
    for section_name, kept in kept_values(values).items():
        section = _copied_section(completed, section_name)
        if section is not None:
            section.update(kept)
    return completed


def kept_values(stored: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return, by section, the frozen settings that a file of the league need not name.

    A league that was made before the setting keeps what it did; later its database says what that
    is (`league rerate --engine` may have changed it), and its file may be silent.
    """
    kept: dict[str, dict[str, Any]] = {}
    for section_name, key, before in _BEFORE_THE_KEY:
        section = stored.get(section_name)
        if isinstance(section, Mapping):
            kept[section_name] = {key: section.get(key, before)}
    return kept


def _copied_section(values: dict[str, Any], dotted: str) -> dict[str, Any] | None:
    """Return a copy of the section, placed in `values` so that it may be changed, or None."""
    for name in dotted.split("."):
        section = values.get(name)
        if not isinstance(section, Mapping):
            return None
        values[name] = values = dict(section)
    return values
