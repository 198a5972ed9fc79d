"""The reference pages, each made from the code that it describes."""

from __future__ import annotations

import html
import inspect
import types
from collections.abc import Callable, Iterator
from typing import Any, Union, get_args, get_origin

import annotated_types
import click
import pydantic

import db.models as schema
from league.cli.main import league
from league.config.layers import resolve
from league.config.tree import LeagueConfig


def commands() -> str:
    """Return the page of the commands: each with its help, arguments, options and examples."""
    lines = [
        "# Commands",
        "",
        "Made from the program: the same as `league COMMAND --help`.",
        "Exit codes that all share: 0 done, 2 bad input, 75 the machine's trouble did not pass,",
        "130 interrupted. What else a command returns stands with it.",
        "",
    ]
    lines += _command("league", league, None)
    return "\n".join(lines)


def _command(path: str, command: click.Command, parent: click.Context | None) -> Iterator[str]:
    context = click.Context(command, info_name=path.rsplit(" ", 1)[-1], parent=parent)
    yield f"## {path}"
    yield ""
    yield inspect.cleandoc(command.help or "").replace("\b\n", "")
    yield ""
    yield "```text"
    yield command.get_usage(context)
    yield "```"
    yield ""
    rows = [p.get_help_record(context) for p in command.params]
    shown = [row for row in rows if row is not None]
    if shown:
        yield "| option | what it does |"
        yield "|---|---|"
        for names, text in shown:
            yield f"| `{_cell(names)}` | {_cell(html.escape(text, quote=False))} |"
        yield ""
    if command.epilog:
        yield "```text"
        yield inspect.cleandoc(command.epilog.replace("\b", "")).strip()
        yield "```"
        yield ""
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            if not below.hidden:
                yield from _command(f"{path} {name}", below, context)


def settings() -> str:
    """Return the page of the settings: key, range, default of each preset, meaning."""
    small, classic = resolve("small"), resolve("classic")
    lines = [
        "# Settings",
        "",
        "The keys of `league.toml` and of `league start --set KEY=VALUE`. `off` is written as",
        "`false` in the file. Two values are those of the presets `small` and `classic`.",
        "",
    ]
    lines += _section("", LeagueConfig, small, classic)
    return "\n".join(lines)


def _section(
    path: str, model: type[pydantic.BaseModel], small: object, classic: object
) -> Iterator[str]:
    plain, below = [], []
    for name, field in model.model_fields.items():
        inner = _model_of(field.annotation)
        (plain if inner is None else below).append((name, field, inner))
    if path:
        yield f"## {path}"
        yield ""
        yield inspect.cleandoc(model.__doc__ or "")
        yield ""
    if plain:
        yield "| key | range | default | what it is |"
        yield "|---|---|---|---|"
        for name, field, _ in plain:
            one, other = (_value(getattr(each, name)) for each in (small, classic))
            default = f"`{one}`" if one == other else f"`{one}`, `{other}`"
            key = f"{path}.{name}" if path else name
            yield (
                f"| `{key}` | {_cell(_range(field))} | {_cell(default)} "
                f"| {_cell(html.escape(field.description or '', quote=False))} |"
            )
        yield ""
    for name, _field, inner in below:
        values = [getattr(each, name) for each in (small, classic)]
        if not all(isinstance(value, pydantic.BaseModel) for value in values):
            continue
        yield from _section(f"{path}.{name}" if path else name, inner, *values)


def _model_of(annotation: Any) -> type[pydantic.BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, pydantic.BaseModel):
        return annotation
    return None


def _value(value: object) -> str:
    if value is None:
        return "off"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        shown = ", ".join(_value(each) for each in value[:4])
        return f"{shown}, ..." if len(value) > 4 else shown
    if isinstance(value, pydantic.BaseModel):
        return ", ".join(f"{name} {_value(part)}" for name, part in value)
    if isinstance(value, dict):
        return ", ".join(f"{name} {_value(part)}" for name, part in value.items()) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _range(field: Any) -> str:
    """Return the values that a field takes, in words."""
    kind, off = field.annotation, False
    bounds = list(field.metadata)
    while get_origin(kind) in (Union, types.UnionType) or hasattr(kind, "__metadata__"):
        if hasattr(kind, "__metadata__"):
            bounds += [
                bound for each in kind.__metadata__ for bound in getattr(each, "metadata", [each])
            ]
            kind = get_args(kind)[0]
            continue
        parts = [part for part in get_args(kind) if part is not type(None)]
        off = off or len(parts) < len(get_args(kind))
        kind = parts[0]
    if get_origin(kind) is not None and str(get_origin(kind)).endswith("Literal"):
        text = ", ".join(f"`{value}`" for value in get_args(kind))
    else:
        text = " ".join([getattr(kind, "__name__", str(kind)), *_bounds(bounds)])
    return f"{text} or off" if off else text


def _bounds(metadata: list[Any]) -> Iterator[str]:
    words = (("ge", "at least"), ("gt", "above"), ("le", "at most"), ("lt", "below"))
    kinds = (annotated_types.Ge, annotated_types.Gt, annotated_types.Le, annotated_types.Lt)
    for bound in metadata:
        for kind, (attribute, word) in zip(kinds, words, strict=True):
            if isinstance(bound, kind):
                yield f"{word} {_bound(getattr(bound, attribute))}"


def _bound(value: float) -> str:
    return f"2**{value.bit_length()} - 1" if value in (2**63 - 1, 2**62 - 1) else f"{value:,}"


def tables() -> str:
    """Return the page of the tables: columns, types, keys and meaning."""
    lines = [
        "# Tables",
        "",
        "The tables of `league.db` (or of the PostgreSQL schema) are ours and may change with a",
        "migration; what other programs may rely on is in the [public interface](../interface.md).",
        "",
    ]
    for table in schema.Base.metadata.sorted_tables:
        lines += [f"## {table.name}", ""]
        model = next(m.class_ for m in schema.Base.registry.mappers if m.local_table is table)
        lines += [inspect.cleandoc(model.__doc__ or "").split("\n\n")[0], ""]
        lines += ["| column | type | |", "|---|---|---|"]
        for column in table.columns:
            notes = ["primary key"] if column.primary_key else []
            notes += [f"of `{key.column.table.name}`" for key in column.foreign_keys]
            notes += ["may be empty"] if column.nullable else []
            lines.append(f"| `{column.name}` | {column.type} | {', '.join(notes)} |")
        lines.append("")
    return "\n".join(lines)


def _cell(text: str) -> str:
    """Return text that fits into a cell of a table."""
    return " ".join(text.split()).replace("|", "\\|")


PAGES: dict[str, Callable[[], str]] = {
    "commands.md": commands,
    "settings.md": settings,
    "tables.md": tables,
}
