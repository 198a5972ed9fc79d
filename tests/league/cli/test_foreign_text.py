"""Names, maps, folders and messages of others are shown as text by every command that reads."""

from __future__ import annotations

import ast
import io
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from db import queries
from db.session import open_writer, read_transaction, write_transaction
from league.cli.main import main
from league.curves.picture import draw_curves
from league.daemon.process import _PlainFormatter
from league.folder.layout import LeagueFolder
from league.plain_text import visible, without_passwords
from league.report.console import PlainConsole
from league.report.screen import report_screen, summary_line
from league.report.state import StateReader
from tests.league.hand_made import add_rated, make_league

HOSTILE = "[/b]$x{$:tv:\x1b]0;\x07\x9b\x7f\u202e"
SHOWN = "[/b]$x{$:tv:\\x1b]0;\\x07\\x9b\\x7f\\u202e"
UNSAFE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")  # all but newline
CLI = Path(__file__).resolve().parents[3] / "league" / "cli"
LEAGUE = CLI.parent


@pytest.fixture
def hostile(tmp_path: Path) -> Iterator[LeagueFolder]:
    """An old league in an oddly named folder: a member, the maps and an event are hostile."""
    folder = make_league(tmp_path / "[red]l\x1b[2J$")
    engine = open_writer(folder.sqlite)
    with write_transaction(engine) as session:
        season = queries.list_matches(session)[0].rules_sha256
        add_rated(session, HOSTILE, agent_spec=f"plugin:{HOSTILE}:make", rules_sha256=season)
        queries.add_event(session, "alarm", f"{HOSTILE} did it", level="alarm")
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE matches SET map = ?", (f"maps/{HOSTILE}.png",))
        connection.exec_driver_sql(
            "UPDATE members SET name = ? WHERE name = 'attention-0001'", (f"a{HOSTILE}",)
        )
    yield folder
    engine.dispose()


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("report", SHOWN),
        ("report --json", None),
        ("members", SHOWN),
        ("members --json", None),
        ("curves", f"a{SHOWN}"),
        ("curves --json", None),
        ("rerate --smooth", SHOWN),
        ("rerate --smooth --json", None),
        ("doctor", None),
        ("status", None),
    ],
)
def test_a_command_shows_hostile_names_as_text(
    command: str, shown: str | None, hostile: LeagueFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    main([*command.split(), "--league", str(hostile.root)])
    printed = capsys.readouterr()
    assert not UNSAFE.search(printed.out + printed.err)
    if shown is not None:
        assert shown in printed.out
    elif command.endswith("--json"):
        json.loads(printed.out)
        assert printed.out.isascii()


def test_a_message_shows_hostile_names_as_text(
    hostile: LeagueFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["members", "retire", "nobody\x1b[2J", "--league", str(hostile.root)]) == 2
    assert main(["report", "--league", "nowhere\x1b[2J"]) == 2
    printed = capsys.readouterr().err
    assert not UNSAFE.search(printed) and "nowhere\\x1b[2J" in printed


def test_a_map_with_brackets_and_escapes_stands_in_the_report(
    hostile: LeagueFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = open_writer(hostile.sqlite)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE matches SET map = 'maps/[v2] isle.png'")
    engine.dispose()
    main(["report", "--league", str(hostile.root)])
    printed = capsys.readouterr().out
    assert "[v2] isle.png" in printed and "[red]l\\x1b[2J$" in printed


def test_a_terminal_gets_no_control_sequence_but_those_of_colours(hostile: LeagueFolder) -> None:
    with StateReader(hostile) as reader:
        state = reader.read()
    drawn = io.StringIO()
    console = PlainConsole(record=True, file=drawn, width=200)
    console.print(report_screen(state))
    console.print(f"a cell that somebody forgot: {HOSTILE}")
    text = re.sub(r"\x1b\[[0-9;]*m", "", drawn.getvalue())
    assert not UNSAFE.search(text)
    # Rich itself drops the bell.
    assert f"a cell that somebody forgot: {SHOWN}".replace("\\x07", "") in text
    assert not UNSAFE.search(summary_line(state))


def test_a_picture_of_hostile_names_is_drawn(hostile: LeagueFolder, tmp_path: Path) -> None:
    from xml.etree import ElementTree

    from league.curves.lineages import league_curves
    from league.report.picture import write_svg

    with StateReader(hostile) as reader:
        state, moments = reader.read(), reader.read_moments()
    curves = league_curves(state, moments, min_matches=1, name="$\\frac{$ seed")
    with Image.open(draw_curves([curves], tmp_path / "curves.png")) as picture:
        assert picture.format == "PNG"
    ElementTree.parse(write_svg(state, tmp_path / "report.svg"))  # XML knows no control characters


def test_the_log_shows_control_characters_as_escapes() -> None:
    record = logging.LogRecord("x", logging.INFO, "", 0, "%s\nfailed", (HOSTILE,), None)
    assert _PlainFormatter("%(message)s").format(record) == f"{SHOWN}\nfailed"


@pytest.mark.parametrize("text", [HOSTILE, "\ud800", "a\u200bb", "\U000e0041", "tab\t"])
def test_what_is_visible_is_printable_and_stays_the_same(text: str) -> None:
    shown = visible(text)
    assert shown.isprintable() and visible(shown) == shown
    shown.encode()


@pytest.mark.parametrize("text", ["", "plain", "Éire", "🏝️", "👩‍🌾", "نام"])
def test_ordinary_text_is_shown_as_it_is(text: str) -> None:
    assert visible(text) == text


def _calls(path: Path) -> set[str]:
    """Names that a file calls, such as `click.echo`."""
    tree = ast.parse(path.read_text("utf-8"))
    return {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}


@pytest.mark.parametrize("path", sorted(CLI.glob("*.py")), ids=lambda path: path.name)
def test_commands_print_through_say(path: Path) -> None:
    if path.name != "options.py":
        assert not _calls(path) & {"click.echo", "click.secho", "print"}


@pytest.mark.parametrize("path", sorted(LEAGUE.rglob("*.py")), ids=lambda path: path.name)
def test_every_console_is_a_plain_one(path: Path) -> None:
    assert not _calls(path) & {"Console", "rich.print", "Text.from_markup"}


def test_members_are_read_again_as_they_are_stored(hostile: LeagueFolder) -> None:
    engine = open_writer(hostile.sqlite)
    with read_transaction(engine) as session:
        assert queries.member_by_name(session, HOSTILE) is not None
    engine.dispose()


def test_passwords_are_masked_in_any_text(
    hostile: LeagueFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    said = (
        "cannot use postgresql://me:se/c@ret@host/league or 'postgresql://h/l?password=secret', "
        "see https://host:8080/page"
    )
    assert without_passwords(said) == (
        "cannot use postgresql://me:***@host/league or 'postgresql://h/l?password=***', "
        "see https://host:8080/page"
    )
    bad = "database={url='postgresql://me:secret@host/l', bad=1}"
    assert main(["start", "--set", bad, "--league", str(hostile.root)]) == 2
    printed = capsys.readouterr().err
    assert "unknown key database.bad" in printed and "secret" not in printed
