"""What all commands share: the folder option, durations, examples, and errors as one sentence.

Importing this module loads click alone, because `league --help` must answer within 0.3 s.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from league.errors import LeagueError
from league.plain_text import visible, without_passwords

if TYPE_CHECKING:
    from rich.console import Console

    from league.folder.layout import LeagueFolder

    SecondsType = click.ParamType[float]
    TextType = click.ParamType[str]
else:  # generic for type checkers only: older click has no such subscript
    SecondsType = click.ParamType
    TextType = click.ParamType

DEFAULT_FOLDER = Path("league-data")
EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130
_META_KEY = "league.folder"
# A database by its URL, or by a variable of the environment that holds one (db.location).
_URL = re.compile(r"[A-Za-z][\w+]*://|\$\{\w+\}$")
_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?")

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


class PathOf(click.Path):
    """A path as pathlib.Path, with `~` at its head as the home folder.

    A shell expands `--out ~/x` but not `--out=~/x`; a folder that is called `~` is `./~`.
    """

    def __init__(self, *, dir_okay: bool = True) -> None:
        super().__init__(path_type=Path, dir_okay=dir_okay)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Return the path of a text."""
        return Path(os.fsdecode(super().convert(from_home(os.fspath(value)), param, ctx)))


class Reference(TextType):
    """A text that may be a path (map, replay, snapshot file), with `~` at its head expanded."""

    name = "text"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        """Return the text."""
        return from_home(str(value))


def from_home(text: str) -> str:
    """Return a path with `~` or `~user` at its head expanded, if there is such a home."""
    return os.path.expanduser(text)  # noqa: PTH111 (pathlib raises where there is no such home)


def examples(*commands: str) -> str:
    """Return the end of a help text: commands that can be run as they stand."""
    return "\b\nExamples:\n" + "\n".join(f"  {command}" for command in commands)


class LeaguePlace(PathOf):
    """Where a league is: a folder, or the URL of its database, which stays a text."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path or the URL of a text."""
        return value if _is_url(value) else super().convert(value, param, ctx)


def _is_url(place: object) -> bool:
    return isinstance(place, str) and (_URL.match(place) is not None)


def _remember_folder(
    context: click.Context, option: click.Parameter, value: Path | str | None
) -> None:
    if value is not None:
        context.meta[_META_KEY] = value


def league_option(command: Decorated) -> Decorated:
    """Add `--league DIR`; it may stand before or after a subcommand, and the last one wins."""
    return click.option(
        "--league",
        metavar="DIR",
        type=LeaguePlace(),
        expose_value=False,
        callback=_remember_folder,
        help="Folder of the league, or to read it the URL of its database, postgresql://...  "
        "[default: $LEAGUE_DIR, else ./league-data]",
    )(command)


def json_option(command: Decorated) -> Decorated:
    """Add `--json`."""
    return click.option(
        "--json", "as_json", is_flag=True, help="Print JSON instead of text.  [default: off]"
    )(command)


def count_option(
    flag: str, *, default: int, least: int = 1, most: int, text: str
) -> Callable[[Decorated], Decorated]:
    """Add an option that takes a whole number of `least` to `most`; its help shows both."""
    return click.option(
        flag, type=click.IntRange(least, most), default=default, show_default=True, help=text
    )


def league_root() -> Path:
    """Return the folder that the command works on, whether it is a league or not."""
    return root_of(click.get_current_context())


def root_of(context: click.Context) -> Path:
    """Return the folder that a command in this context works on; refuse a URL (UsageError)."""
    place = _place_in(context)
    if isinstance(place, Path):
        return place
    raise click.UsageError(
        f"`{context.command_path}` works on the folder of a league: expected one after --league, "
        "found the URL of a database, which report, watch, status, curves, champion, members, "
        "results and pit take; `league start --league FOLDER --set database.url=URL` goes on with "
        "that league in a folder of this machine"
    )


def _place_in(context: click.Context) -> Path | str:
    given = context.meta.get(_META_KEY)
    if given is None:
        given = os.environ.get("LEAGUE_DIR") or str(DEFAULT_FOLDER)
        given = given if _is_url(given) else Path(from_home(given))
    return given if isinstance(given, str) else Path(given)


def league_url() -> str | None:
    """Return the URL by which the league was named; None for a folder."""
    place = _place_in(click.get_current_context())
    return place if isinstance(place, str) else None


def readable_league() -> LeagueFolder:
    """Return the league that the command reads, by its folder or its URL; raises FolderError."""
    url = league_url()
    if url is None:
        return existing_league()
    from league.folder.by_url import league_by_url

    return league_by_url(url)


def place_named() -> str:
    """Return how the league was named, without a password, for a command that is printed."""
    place = _place_in(click.get_current_context())
    return without_passwords(place) if isinstance(place, str) else str(place)


def league_roots(more: Sequence[Path]) -> list[Path]:
    """Return the folders that a command about several leagues works on, each once.

    These are the folder of `--league` and those in `more`; $LEAGUE_DIR and the default count only
    if there are none, because the environment should not add a league to those that were named.
    """
    given = click.get_current_context().meta.get(_META_KEY)
    roots = [*([] if given is None else [league_root()]), *more] or [league_root()]
    return list({root.resolve(): root for root in roots}.values())


def league_was_named() -> bool:
    """Return whether the folder was given, by option or environment."""
    meta = click.get_current_context().meta
    return _META_KEY in meta or bool(os.environ.get("LEAGUE_DIR"))


def has_league() -> bool:
    """Return whether a league was named or is in the default folder."""
    from league.folder.layout import LeagueFolder

    return league_was_named() or LeagueFolder(league_root()).is_league()


def league_if_any() -> LeagueFolder | None:
    """Return the league that the command reads; None where files and specs must do."""
    return readable_league() if has_league() else None


def program_name() -> str:
    """Return how the user called this program, so that a command it prints can be run as it is."""
    called = Path(sys.argv[0])
    if called.stem == "__main__":
        return f"{Path(sys.executable).name} -m league"
    found = shutil.which("league")
    if called.name != "league" or (found is not None and Path(found).samefile(called)):
        return "league"
    return shlex.quote(os.path.relpath(called))  # such as .venv/bin/league, as make calls it


def existing_league() -> LeagueFolder:
    """Return the league that the command works on; raise FolderError if there is none."""
    from league.folder.layout import open_folder

    return open_folder(league_root())


class Duration(SecondsType):
    """A length of time such as 90s, 5m, 2h or 1h30m, as seconds."""

    name = "duration"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the seconds of a text; fail with a sentence if it is not a duration."""
        if isinstance(value, float):
            return value
        match = _DURATION.fullmatch(str(value))
        hours, minutes, seconds = match.groups() if match else (None, None, None)
        total = int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(seconds or 0)
        if total <= 0:
            self.fail(f"expected a duration such as 90s, 5m, 2h or 1h30m, found {value!r}")
        return total


def schema_name() -> str:
    """Return the name and version of the documents of the running command: league-report/1."""
    context = click.get_current_context(silent=True)
    words: list[str] = []
    while context is not None and context.parent is not None:
        words.insert(0, context.info_name or "")
        context = context.parent
    return f"league-{'-'.join(words)}/1"


def answer(
    text: object, document: dict[str, Any], *, as_json: bool, schema: str | None = None
) -> None:
    """Print what a command did, as text or as JSON; `schema` as in `print_json`."""
    if as_json:
        print_json(document, schema)
    else:
        say(text)


def print_json(document: object, schema: str | None = None) -> None:
    """Print a document as JSON on stdout, in ASCII: whatever is not printable is an escape.

    Args:
        schema: name and version of its form (docs/schemas/), which become its first key `schema`;
            None takes those of the command.
    """
    if isinstance(document, dict) and not document.keys() & {"schema", "$schema"}:
        document = {"schema": schema or schema_name(), **document}
    text = json.dumps(document, indent=2, allow_nan=False)
    click.echo(text.replace("\x7f", "\\u007f"))  # the one control character that json leaves


def say(text: object, *, to_stderr: bool = False) -> None:
    """Print text; control characters that a name or a path brings along are shown as escapes."""
    click.echo(visible(text, keep="\n"), err=to_stderr)


def say_over(text: str) -> None:
    """Replace the line of progress on the terminal of stderr; an empty text removes it."""
    click.echo(f"\r\x1b[K{visible(text)}", err=True, nl=False)


def open_page(path: Path) -> None:
    """Open a page in the user's browser; say so on stderr where there is none."""
    import webbrowser

    if not webbrowser.open(path.resolve().as_uri()):
        say(
            f"expected a browser to open {path} in, found none; copy the file to one",
            to_stderr=True,
        )


def stdout_console() -> Console:
    """Return a console for results: colours on a terminal, plain text of fixed width elsewhere."""
    from league.report.console import PlainConsole
    from league.report.screen import WIDTH

    return PlainConsole() if sys.stdout.isatty() else PlainConsole(width=WIDTH, is_plain=True)


def known_errors() -> tuple[type[BaseException], ...]:
    """Return the errors of every package that a user or a file can cause."""
    from agents.errors import AgentError
    from arena.errors import ArenaError
    from db.errors import DatabaseError
    from msattn.errors import NetworkError

    known: list[type[BaseException]] = [
        LeagueError,
        AgentError,
        ArenaError,
        DatabaseError,
        NetworkError,
    ]
    if "pydantic" in sys.modules:
        from pydantic import ValidationError

        known.append(ValidationError)
    return tuple(known)


def run(group: click.Command, arguments: list[str] | None = None) -> int:
    """Run a command line and return its exit code; a known error becomes a sentence on stderr."""
    try:
        result = group.main(args=arguments, prog_name="league", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return EXIT_BAD_INPUT
    except click.ClickException as error:
        return _refuse(error.format_message())
    except (click.Abort, KeyboardInterrupt):
        return EXIT_INTERRUPTED
    except LeagueError as error:  # known without the imports of `known_errors`, which may fail
        _refuse(str(error))
        return error.exit_code
    except Exception as error:
        if not isinstance(error, known_errors()):
            sentence = _of_the_machine(error)
            if sentence is None:
                raise
            return _refuse(sentence)
        _refuse(str(error))
        return int(getattr(error, "exit_code", EXIT_BAD_INPUT))


def _of_the_machine(error: Exception) -> str | None:
    """Return a sentence for what the system refused (a file, memory); None if this is a bug."""
    from arena.foreign import reason_of

    if isinstance(error, OSError) and error.errno is not None:
        place = "" if error.filename is None else f"{error.filename}: "
        return f"{place}{reason_of(error)}"
    if isinstance(error, MemoryError):
        return f"{reason_of(error)}; close other programs, or use a smaller map or network"
    # Python 3.11 has no class of its own for this.
    if isinstance(error, RuntimeError) and str(error).startswith("Symlink loop"):
        return f"{str(error)[:1].lower()}{str(error)[1:]}; name the file itself"
    if isinstance(error, ValueError) and "null byte" in str(error):
        return f"expected the name of a file, found one with a NUL character: {error}"
    return None


def _refuse(message: str) -> int:
    # Always one line, whatever a message quotes: scripts read stderr line by line.
    line = " ".join(message.encode(errors="backslashreplace").decode().split())
    line = without_passwords(line)  # a message may quote what was given, such as --set
    line = line if len(line) <= 2000 else f"{line[:2000]}..."
    say(f"league: {line}", to_stderr=True)
    return EXIT_BAD_INPUT
