"""Owns how settings are combined: the preset, then `league.toml`, then `--set`, then `--map`.

Promises: an unknown or wrong key gives one sentence that names the key and where it was written;
settings that were frozen at a league's first start never change, and the sentence names the key,
the stored value and the given value.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from pydantic import BaseModel, ValidationError

from arena.foreign import ForeignFileError, check_tree, parse_toml, reason_of
from league.config.old_names import kept_values, with_present_names
from league.config.presets import NEW_LEAGUE, preset_values
from league.config.tree import FROZEN, PRESETS, LeagueConfig
from league.config.whole import check_whole
from league.errors import ConfigError

_BARE_NUMBER = re.compile(r"[+-]?(\.\d+|\d+\.)([eE][+-]?\d+)?")


@dataclass(frozen=True)
class _Layer:
    """Values from one place; `source` is its name in messages."""

    source: str
    values: dict[str, Any]


def _layer(source: str, values: dict[str, Any]) -> _Layer:
    """Make a layer with old names replaced, so that a later layer wins under either name."""
    return _Layer(source, with_present_names(values, source))


def resolve(
    preset: str | None = None,
    toml: Path | None = None,
    sets: Sequence[str] = (),
    maps: Sequence[str] = (),
    stored: Mapping[str, Any] | None = None,
    learners: Sequence[Mapping[str, Any]] | None = None,
    adopted: Mapping[str, Any] | None = None,
) -> LeagueConfig:
    """Combine the settings of a league.

    Args:
        preset: `small` or `classic`; None takes the one in the file, else `small`.
        toml: a `league.toml`; None if there is none yet.
        sets: `key=value` texts, dotted keys, values in TOML (a bare word counts as a string).
        maps: references that replace both lists of maps; if empty, the lists stay.
        stored: settings that the league's database holds; frozen ones that are younger than the
            league come from there unless a later layer names them.
        learners: lineages that replace those of the file (`--roles`); None keeps them.
        adopted: all settings of a league that a new folder goes on with; they stand in for a file.

    Raises:
        ConfigError: a key or value is wrong; the message names the key and the place.
    """
    if preset is not None and preset not in PRESETS:
        raise ConfigError(f"--preset: expected one of {', '.join(PRESETS)}, found {preset!r}")
    layers = []
    if toml is not None:
        layers.append(_layer(str(toml), read_toml(toml)))
    if adopted is not None:
        layers.append(_layer("the league's database", dict(adopted)))
    if learners is not None:
        layers.append(_Layer("--roles", {"learners": [dict(each) for each in learners]}))
    layers += [_layer(f"--set {_shown(text)}", parse_set(text)) for text in sets]
    if maps:
        both = {"train": list(maps), "rate": list(maps)}
        layers.append(_Layer("--map", {"maps": both}))
    named = [layer for layer in layers if "preset" in layer.values]
    stated = named[-1].values["preset"] if named else None
    if preset is not None and stated is not None and stated != preset:
        raise ConfigError(
            f"preset: {named[-1].source} says {stated!r}, --preset says {preset!r}; the preset is "
            "chosen at a league's first start, so use another folder for another preset"
        )
    chosen = preset or (stated if stated in PRESETS else "small")
    new = _Layer("the preset", NEW_LEAGUE[chosen] if toml is None and adopted is None else {})
    base = _Layer("the preset", preset_values(chosen))
    kept = _Layer("the league's database", {} if stored is None else kept_values(stored))
    merged: dict[str, Any] = {}
    for layer in (base, new, kept, *layers):
        _merge(merged, layer.values, layer.source)
    try:
        return LeagueConfig.model_validate(merged)
    except ValidationError as error:
        raise ConfigError(_sentence(error, [*reversed(layers), kept, new, base])) from error


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file; raise ConfigError with the place of a mistake, or if it was cut."""
    check_whole(path)
    try:
        return parse_toml(path)
    except ForeignFileError as error:
        raise ConfigError(f"the settings cannot be read: {error}") from error
    except ValueError as error:
        raise ConfigError(
            f"{path}: expected a readable TOML file, found a mistake: {reason_of(error)}"
        ) from error


def _shown(text: str) -> str:
    """Return a text of `--set` for a message: a URL in it may hold a password."""
    key, _, value = text.partition("=")
    return f"{key}=..." if "://" in value else text


def parse_set(text: str) -> dict[str, Any]:
    """Parse `learner.n_epochs=2` into nested values; what is not TOML is taken as a string."""
    key, equals, value = text.partition("=")
    parts = [part.strip() for part in key.split(".")]
    if not equals or not all(parts):
        raise ConfigError(f"--set: expected key=value with a dotted key, found {text!r}")
    try:
        parsed: Any = tomllib.loads(f"value = {value.strip()}")["value"]
        check_tree(parsed)
    except (ValueError, RecursionError):
        parsed = _word_or_number(value.strip())  # a bare word: --set learner.device=cpu
    for part in reversed(parts):
        parsed = {part: parsed}
    return cast(dict[str, Any], parsed)


def _word_or_number(text: str) -> str | float:
    """Return `.996` and `1.` as the numbers that TOML does not take them for; else the text."""
    return float(text) if _BARE_NUMBER.fullmatch(text) else text


def check_frozen(stored: Mapping[str, Any], given: LeagueConfig) -> None:
    """Compare settings with those frozen at the league's first start (`LeagueConfig.to_json`).

    Raises:
        ConfigError: a frozen key differs; the message names the first one and both values.
    """
    known = LeagueConfig.from_json(stored).to_json()
    wanted = given.to_json()
    for section in FROZEN:
        for key, old, new in _differences(section, _at(known, section), _at(wanted, section)):
            raise ConfigError(
                f"{key} was frozen at the league's first start: stored {old!r}, given {new!r}; "
                f"keep the stored value, or {_OTHER_WAYS.get(key, _NEW_LEAGUE)}"
            )


_NEW_LEAGUE = "start a new league in another folder"
_OTHER_WAYS = {"rating.engine": "rate all matches anew with `league rerate --engine`"}


def _at(values: Mapping[str, Any], dotted: str) -> Any:
    found: Any = values
    for name in dotted.split("."):
        found = found[name]
    return found


def _differences(key: str, old: Any, new: Any) -> list[tuple[str, Any, Any]]:
    if isinstance(old, dict) and isinstance(new, dict):
        found = []
        for name in old:
            found += _differences(f"{key}.{name}", old[name], new.get(name))
        return found
    return [] if old == new else [(key, old, new)]


def _merge(into: dict[str, Any], values: Mapping[str, Any], source: str) -> None:
    for key, value in values.items():
        old = into.get(key)
        if isinstance(value, dict):
            if old is not None and not isinstance(old, dict):
                raise ConfigError(f"{source}: expected a single value for {key}, found a section")
            into[key] = dict(old or {})
            _merge(into[key], value, source)
        else:
            into[key] = value


def _sentence(error: ValidationError, layers: Sequence[_Layer]) -> str:
    """Return pydantic's first complaint as one sentence with the place of its key."""
    details = error.errors()[0]
    path = [part for part in details["loc"] if not _is_union_tag(part)]
    key = ".".join(_short(str(part)) for part in path)
    source = next((layer.source for layer in layers if _holds(layer.values, path)), "the settings")
    if details["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(path[-1]), _known_keys(path[:-1]), n=1)
        hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(_known_keys(path[:-1]))}"
        return f"{source}: unknown key {key}; {hint}"
    message = details["msg"].removeprefix("Value error, ")
    if details["type"] == "value_error":
        return f"{source}: {message}"
    found = _short(repr(details["input"]))
    if details["type"] == "model_type":
        return f"{source}: expected a section with keys of its own for {key}, found {found}"
    message = message[0].lower() + message[1:]
    return f"{source}: {key}: {message}, found {found}"


def _short(text: str) -> str:
    return text if len(text) <= 120 else f"{text[:120]}..."


def _is_union_tag(part: object) -> bool:
    """Return whether pydantic named a branch of a union here, such as `function-before[...]`."""
    return isinstance(part, str) and ("[" in part or part in ("int", "float", "str"))


def _holds(values: Any, path: Sequence[object]) -> bool:
    for part in path:
        if isinstance(part, int) and isinstance(values, list):
            return True
        if not isinstance(values, dict) or part not in values:
            return False
        values = values[part]
    return bool(path)


def _known_keys(path: Sequence[object]) -> list[str]:
    model: type[BaseModel] = LeagueConfig
    for part in path:
        field = model.model_fields.get(str(part))
        annotation = None if field is None else field.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            model = annotation
    return list(model.model_fields)
