"""Owns how tables become pandas frames and pages; pandas is imported when the first one is made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from league.errors import PackageError
from league.extras import install_command
from league.plain_text import visible

if TYPE_CHECKING:
    import pandas


def frame(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> pandas.DataFrame:
    """Return rows as a DataFrame with these columns, also where there are no rows.

    Raises:
        PackageError: pandas is not installed.
    """
    return require_pandas().DataFrame(list(rows), columns=list(columns))


def require_pandas() -> Any:
    """Return pandas; raise PackageError where it is not installed."""
    try:
        import pandas
    except ImportError as error:
        raise PackageError(
            "expected the package pandas for a table, found none; install it with "
            f"`{install_command('data')}`, or read `league report --json` and the like"
        ) from error
    return pandas


def page(title: str, facts: str, head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return a table as HTML for a notebook: numbers to the right, names escaped."""
    cells = "".join(f"<th>{_text(name)}</th>" for name in head)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    return (
        f"<div><p><b>{_text(title)}</b> {_text(facts)}</p>"
        f"<table><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _cell(value: Any) -> str:
    if isinstance(value, float):
        value = f"{value:.2f}"
    elif isinstance(value, int):
        value = f"{value:,}"
    elif value is None:
        value = "-"
    else:
        return f'<td style="text-align: left">{_text(value)}</td>'
    return f'<td style="text-align: right">{value}</td>'


def _text(value: Any) -> str:
    return escape(visible(value))
