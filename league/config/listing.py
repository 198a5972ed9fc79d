"""Owns the list of all settings: what each means, what it may be, its default and its value.

Promises: every key of the tree is listed, in the order of `league.toml`; ranges are those that the
tree checks; a password in `database.url` is never shown.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from db.location import DatabaseLocation
from league.config.layers import resolve
from league.config.toml import toml_value
from league.config.tree import FROZEN, LeagueConfig
from league.errors import ConfigError


@dataclass(frozen=True)
class Setting:
    """One setting.

    Attributes:
        key: dotted, as `--set` takes it; `learners.0.role` is one of a list's tables.
        value, default: JSON values, None where it is off.
        range: what it may be, in words.
        description: its sentence.
        is_frozen: whether it stays as it was at the first start.
    """

    key: str
    value: Any
    default: Any
    range: str
    description: str
    is_frozen: bool

    @property
    def is_changed(self) -> bool:
        """Whether the value is not the preset's."""
        return bool(self.value != self.default)

    def to_json(self) -> dict[str, Any]:
        """Return JSON values."""
        return asdict(self)


def list_settings(config: LeagueConfig) -> list[Setting]:
    """Return all settings; defaults are those of a new league of the same preset."""
    schema = LeagueConfig.model_json_schema()
    default = resolve(config.preset)
    return list(_section(config.to_json(), default.to_json(), schema, schema["$defs"], ""))


def chosen(settings: list[Setting], key: str) -> list[Setting]:
    """Return the setting of a key, or those of a section.

    Raises:
        ConfigError: there is neither; the message names the nearest.
    """
    found = [each for each in settings if each.key == key or each.key.startswith(f"{key}.")]
    if found:
        return found
    keys = [each.key for each in settings]
    sections = {key.rpartition(".")[0] for key in keys} - {""}
    near = nearest(key, [*keys, *sections])
    hint = f"did you mean {' or '.join(near)}?" if near else "`league config` lists all of them"
    raise ConfigError(f"expected the key of a setting, found {key!r}; {hint}")


def nearest(key: str, known: list[str]) -> list[str]:
    """Return up to three keys that a mistyped one may mean: alike, or with the same last part."""
    if close := difflib.get_close_matches(key, known, n=1, cutoff=0.9):
        return close
    last = key.rpartition(".")[2]
    same = [each for each in known if each.rpartition(".")[2] == last]
    alike = difflib.get_close_matches(key, known, n=3, cutoff=0.6)
    by_last = difflib.get_close_matches(last, {each.rpartition(".")[2] for each in known}, n=1)
    rest = [each for each in known if by_last and each.rpartition(".")[2] == by_last[0]]
    return list(dict.fromkeys([*same, *alike, *rest]))[:3]


def shown(value: Any) -> str:
    """Return a value as `league.toml` has it."""
    return toml_value(tuple(value) if isinstance(value, list) else value)


def _section(
    values: Mapping[str, Any],
    defaults: Mapping[str, Any],
    schema: Mapping[str, Any],
    shared: Mapping[str, Any],
    path: str,
) -> Iterator[Setting]:
    nested = []
    for name, field in schema["properties"].items():
        key = f"{path}.{name}" if path else name
        kind = _plain(field, shared)
        if kind.get("type") == "object":
            nested.append((values[name], defaults[name], kind, key))
            continue
        items = _plain(kind.get("items", {}), shared)
        if items.get("type") == "object":
            known = defaults[name]
            for at, entry in enumerate(values[name]):
                # A lineage that the preset does not have is one of its own.
                before = known[at] if at < len(known) else dict.fromkeys(entry)
                nested.append((entry, before, items, f"{key}.{at}"))
            continue
        yield Setting(
            key=key,
            value=_secret(key, values[name]),
            default=defaults[name],
            range=_range(field, shared),
            description=str(field.get("description", "")),
            is_frozen=any(key == each or key.startswith(f"{each}.") for each in FROZEN),
        )
    for value, default, kind, key in nested:
        yield from _section(value, default, kind, shared, key)


def _secret(key: str, value: Any) -> Any:
    if key == "database.url" and isinstance(value, str):
        return str(DatabaseLocation.of(value))
    return value


def _plain(field: Mapping[str, Any], shared: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a field's own schema, with a reference followed."""
    if "$ref" in field:
        return {**shared[field["$ref"].rpartition("/")[2]], **field}
    return field


def _range(field: Mapping[str, Any], shared: Mapping[str, Any]) -> str:
    """Return in words what a field may be."""
    kinds = [_plain(kind, shared) for kind in field.get("anyOf", [field])]
    words = [_words(kind, shared) for kind in kinds if kind.get("type") != "null"]
    off = ["off"] if len(words) < len(kinds) else []
    return " or ".join([*words, *off])


def _words(kind: Mapping[str, Any], shared: Mapping[str, Any]) -> str:
    if "enum" in kind or "const" in kind:
        return "one of " + ", ".join(map(str, kind.get("enum", [kind.get("const")])))
    name = kind.get("type")
    if name == "boolean":
        return "true or false"
    if name == "array":
        return f"a list of {_words(_plain(kind['items'], shared), shared)}"
    if name not in ("integer", "number"):
        return "text"
    bounds = (
        ("from", kind.get("minimum")),
        ("above", kind.get("exclusiveMinimum")),
        ("to", kind.get("maximum")),
        ("below", kind.get("exclusiveMaximum")),
    )
    parts = ["a whole number" if name == "integer" else "a number"]
    parts += [f"{word} {_number(bound)}" for word, bound in bounds if bound is not None]
    if "multipleOf" in kind:
        parts.append(f"a multiple of {kind['multipleOf']}")
    return " ".join(parts[:3]) + "".join(f", {part}" for part in parts[3:])


def _number(value: float) -> str:
    return "2^63 - 1" if value == 2**63 - 1 else f"{value:,.6g}" if value % 1 else f"{value:,.0f}"
