"""A league.toml that lost its end is refused at whatever byte it was cut."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from league.cli.main import main
from league.config.layers import resolve
from league.config.toml import write_toml
from league.config.whole import LAST_LINE, MARK, check_whole
from league.errors import ConfigError
from league.folder.layout import LeagueFolder

WRITTEN = write_toml(resolve("small"))


def test_a_written_file_names_its_last_line_and_is_whole(tmp_path: Path) -> None:
    lines = WRITTEN.splitlines()
    assert (lines[1], lines[-1]) == (MARK, LAST_LINE)
    path = tmp_path / "league.toml"
    path.write_text(WRITTEN)
    check_whole(path)


def test_a_file_cut_at_any_byte_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "league.toml"
    whole = WRITTEN.encode()
    readable = 0
    # Every 7th byte (a tenth of a second), and each one of the head and the end.
    last = len(whole) - 1  # a missing newline at the end loses nothing
    for size in {*range(0, last, 7), *range(400), *range(last - 60, last)}:
        path.write_bytes(whole[:size])
        with pytest.raises(ConfigError, match="was cut"):
            check_whole(path)
        try:
            tomllib.loads(whole[:size].decode())
            readable += 1
        except (tomllib.TOMLDecodeError, UnicodeDecodeError):
            pass
    assert readable > 500  # of which TOML itself would not have told


@pytest.mark.parametrize(
    "text",
    [
        "seed = 3\n",
        '# my own league\npreset = "small"\n[rules]\nn_seats = 4\n',
        WRITTEN.replace(f"{MARK}\n", "").replace(f"{LAST_LINE}\n", ""),  # of 0.1.0
        f"{WRITTEN}\n[database]\n",  # somebody appended
        f"\ufeff{WRITTEN}",
        WRITTEN.replace("\n", "\r\n"),
    ],
)
def test_a_file_of_a_person_or_an_older_version_is_whole(text: str, tmp_path: Path) -> None:
    path = tmp_path / "league.toml"
    path.write_text(text, "utf-8", newline="")
    check_whole(path)


@pytest.mark.parametrize("command", ["report", "start --for 1s", "members", "backup"])
@pytest.mark.parametrize("share", [0.0, 0.5, 0.95])
def test_a_command_refuses_a_cut_file_with_a_sentence_and_changes_nothing(
    command: str,
    share: float,
    hand_made_league: LeagueFolder,
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = hand_made_league.toml.read_text().splitlines(keepends=True)
    hand_made_league.toml.write_text("".join(lines[: int(share * len(lines))]))
    before = sorted(hand_made_league.root.rglob("*"))
    assert main([*command.split(), "--league", str(hand_made_league.root)]) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.count("\n") == 1
    assert "`league doctor --repair`" in printed.err
    assert sorted(hand_made_league.root.rglob("*")) == before


def test_a_byte_order_mark_is_skipped(
    hand_made_league: LeagueFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    hand_made_league.toml.write_bytes(b"\xef\xbb\xbf" + hand_made_league.toml.read_bytes())
    assert main(["report", "--json", "--league", str(hand_made_league.root)]) == 0
    assert resolve(None, hand_made_league.toml).rules.n_seats == 4
