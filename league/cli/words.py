"""Owns the kinds of words on the command line that a shell can complete: members, keys, presets.

Promises: completing never prints, never writes and never fails: without a league, or with one that
cannot be read, nothing is offered.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from league.cli.options import Reference, root_of

if TYPE_CHECKING:
    TextType = click.ParamType[str]
else:  # generic for type checkers only: older click has no such subscript
    TextType = click.ParamType

Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]
PRESETS = ("small", "classic", "real")  # league.config.tree, which a completion need not import
AGAINST = (  # league.evaluation.plan, likewise
    *("tribes", "tribes:human"),
    *("nations:easy", "nations:medium", "nations:hard", "nations:impossible"),
)


class MemberName(TextType):
    """The name of a member; completes to the names of the league."""

    name = "text"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Return the members whose names begin so."""
        return _beginning(_members(ctx), incomplete)


class MemberOrFile(Reference):
    """A member, an agent spec or a file; completes to members, then to files."""

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Return the members whose names begin so; without one, the shell offers files."""
        return _beginning(_members(ctx), incomplete) or [CompletionItem(incomplete, type="file")]


class Opponent(MemberOrFile):
    """A mind of the game by its word, or a member, agent spec or file; completes to all."""

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Return the words that begin so, then what `MemberOrFile` offers."""
        return _beginning(AGAINST, incomplete) + super().shell_complete(ctx, param, incomplete)


class SettingKey(TextType):
    """A key of the settings, or a section of them."""

    name = "text"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Return the keys and sections that begin so."""
        keys = _keys()
        return _beginning([*keys, *{key.rpartition(".")[0] for key in keys} - {""}], incomplete)


class SettingPair(TextType):
    """KEY=VALUE; the key is completed, with its equals sign."""

    name = "text"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Return `key=` for the keys that begin so; values are not completed."""
        return _beginning([f"{key}=" for key in _keys()], incomplete)


def complete_preset(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Return the presets that begin so."""
    return _beginning(PRESETS, incomplete)


def _beginning(words: Iterable[str], incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(word) for word in sorted(words) if word.startswith(incomplete)]


def _keys() -> list[str]:
    from league.config.layers import resolve
    from league.config.listing import list_settings

    return [each.key for each in list_settings(resolve()) if not each.key.startswith("learners.")]


def _members(ctx: click.Context) -> list[str]:
    """Return the names of the league's members that a shell can take as they are."""
    # Whatever is wrong, a person who presses Tab wants no traceback.
    with contextlib.suppress(Exception):
        from db.queries import list_members
        from league.folder.connect import reading
        from league.folder.layout import open_folder

        with reading(open_folder(root_of(ctx))) as session:
            names = [member.name for member in list_members(session)]
        return [name for name in names if name.isprintable() and not set(name) & set(" '\"\\$`;&|")]
    return []
