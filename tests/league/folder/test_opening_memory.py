"""What a league remembers of its settings, and what a later start may not change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from arena.territory.maps import generate_map, save_map
from db import queries
from db.errors import DatabaseBusyError, DatabaseUnreachableError
from db.migrate import upgrade
from db.session import open_writer, write_transaction
from league.config.layers import check_frozen, resolve
from league.config.tree import FROZEN, LeagueConfig
from league.errors import ConfigError
from league.folder import opening
from league.folder.layout import STORED_KEY, LeagueFolder
from league.folder.opening import open_for_start, remember_config, stored_config

# One change of every section that is frozen: (key of the message, settings of the later start).
CHANGES = {
    "preset": ("preset", None),
    "rules": ("rules.max_ticks", "rules.max_ticks=900"),
    "maps": ("maps.rate", 'maps.rate=["generated:lakes:128x128:7"]'),
    "views": ("views.local_size", "views.local_size=48"),
    "network": ("network.fusion", "network.fusion=64"),
    "rating.engine": ("rating.engine", "rating.engine=trueskill"),
}


@pytest.fixture(scope="module")
def small() -> LeagueConfig:
    return resolve("small")


def _changed(section: str) -> LeagueConfig:
    setting = CHANGES[section][1]
    if setting is None:  # the name alone: everything else of `classic` is frozen by itself
        return resolve("small").model_copy(update={"preset": "classic"})
    return resolve("small", None, [setting])


def _start(root: Path, **arguments: Any) -> LeagueFolder:
    """A league that has been started."""
    opened = open_for_start(root, "small", **arguments)
    engine = open_writer(opened.folder.sqlite)
    upgrade(engine)
    with write_transaction(engine) as session:
        remember_config(session, opened.config)
    engine.dispose()
    return opened.folder


def _tree(root: Path) -> dict[str, bytes | None]:
    """Every file of a folder but those that SQLite keeps beside an open database."""
    return {
        str(path.relative_to(root)): path.read_bytes() if path.is_file() else None
        for path in sorted(root.rglob("*"))
        if not path.name.startswith("league.db-")
    }


def test_the_changes_below_are_one_of_each_frozen_section() -> None:
    assert set(CHANGES) == set(FROZEN)


@pytest.mark.parametrize("section", CHANGES)
def test_a_frozen_section_cannot_change(small: LeagueConfig, section: str) -> None:
    key = CHANGES[section][0]
    with pytest.raises(ConfigError, match=f"^{key} was frozen at the league's first start: stored"):
        check_frozen(small.to_json(), _changed(section))


@pytest.mark.parametrize("section", CHANGES)
def test_what_is_remembered_of_a_frozen_section_is_never_replaced(
    session: Session, small: LeagueConfig, section: str
) -> None:
    remember_config(session, small)
    with pytest.raises(ConfigError, match=f"^{CHANGES[section][0]} was frozen"):
        remember_config(session, _changed(section))
    assert queries.get_league_value(session, STORED_KEY) == small.to_json()


def test_the_settings_of_the_newest_start_are_remembered(
    session: Session, small: LeagueConfig
) -> None:
    remember_config(session, small)
    later = resolve("small", None, ["seed=5", "learner.n_epochs=2", "rating.floor_share=0.25"])
    remember_config(session, later)
    assert queries.get_league_value(session, STORED_KEY) == later.to_json()


def test_a_frozen_key_that_an_older_version_did_not_store_counts_as_its_default(
    small: LeagueConfig,
) -> None:
    stored = small.to_json()
    del stored["rules"]["max_ticks"]  # its default, that of `small`, is 1,500
    check_frozen(stored, small)
    with pytest.raises(ConfigError, match=r"rules\.max_ticks .* stored 1500, given 900"):
        check_frozen(stored, _changed("rules"))


@pytest.mark.parametrize("section", ["rules", "maps", "views", "network"])
def test_a_start_with_a_frozen_change_is_refused_and_changes_nothing(
    tmp_path: Path, section: str
) -> None:
    folder = _start(tmp_path / "league")
    before = _tree(folder.root)
    with pytest.raises(ConfigError, match=f"{CHANGES[section][0]} was frozen"):
        open_for_start(folder.root, sets=[str(CHANGES[section][1])])
    assert _tree(folder.root) == before


def test_a_frozen_key_that_was_edited_in_the_file_is_refused(tmp_path: Path) -> None:
    folder = _start(tmp_path / "league")
    text = folder.toml.read_text()
    assert "local_size = 32" in text
    folder.toml.write_text(text.replace("local_size = 32", "local_size = 48"))
    with pytest.raises(ConfigError, match=r"views\.local_size was frozen .* stored 32, given 48"):
        open_for_start(folder.root)


def test_another_map_at_a_later_start_is_refused_and_not_copied(tmp_path: Path) -> None:
    folder = _start(tmp_path / "league")
    mine = save_map(generate_map("lakes", 64, 64, 1), tmp_path / "mine")
    before = _tree(folder.root)
    with pytest.raises(ConfigError, match=r"maps\.train was frozen .* given \['maps/mine'\]"):
        open_for_start(folder.root, map_path=mine)
    assert _tree(folder.root) == before


def test_a_league_goes_on_with_the_map_that_it_was_given(tmp_path: Path) -> None:
    mine = save_map(generate_map("lakes", 64, 64, 1), tmp_path / "mine")
    folder = _start(tmp_path / "league", map_path=mine)
    opened = open_for_start(folder.root)
    assert not opened.is_new and opened.config.maps.train == ("maps/mine",)


def test_before_the_first_start_nothing_is_remembered(tmp_path: Path) -> None:
    opened = open_for_start(tmp_path / "league")
    assert stored_config(opened.folder) is None  # no database
    engine = open_writer(opened.folder.sqlite)
    engine.connect().close()
    engine.dispose()
    assert stored_config(opened.folder) is None  # a database without tables


def test_a_start_waits_for_a_locked_database_and_says_so_and_not_for_ever(
    hand_made_league: LeagueFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    said: list[str] = []
    errors: list[Exception] = [DatabaseBusyError("the database is busy (locked)")] * 3

    def read(folder: LeagueFolder) -> dict[str, object] | None:
        if errors:
            raise errors.pop(0)
        return {"seed": 1}

    monkeypatch.setattr(opening, "stored_config", read)
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    monkeypatch.setattr("time.sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))
    assert opening._stored_patiently(hand_made_league, said.append) == {"seed": 1}
    assert now == [1.0 + 2.0 + 4.0]
    assert said[0] == "the database is busy (locked); trying again in 1 s, for 60 s more at most"
    errors += [DatabaseBusyError("locked")] * 100
    now[0] = 0.0
    with pytest.raises(DatabaseBusyError):
        opening._stored_patiently(hand_made_league, said.append)
    assert now == [60.0]
    errors[:] = [DatabaseUnreachableError("unable to open database file")]
    now[0] = 0.0
    with pytest.raises(DatabaseUnreachableError):  # a file does not come back by itself
        opening._stored_patiently(hand_made_league, said.append)
    assert now == [0.0]
