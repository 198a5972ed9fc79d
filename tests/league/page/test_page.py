"""The page of a league: a text that asks nothing of anybody, with foreign text escaped."""

from __future__ import annotations

import dataclasses
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from db.errors import DatabaseError
from league.errors import FolderError
from league.folder.layout import LeagueFolder
from league.page.facts import read_facts
from league.page.render import SECTIONS, page
from league.page.write import league_page, write_page
from tests.league.hand_made import NOON, make_league
from tests.league.page.known import EVIL, make_known_league, make_large_league

VOID = {"meta", "link", "img", "input", "br", "hr"}


class Reader(HTMLParser):
    """Collects tags, addresses and text of a page, and fails on one that is left open."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.ids: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        found = dict(attrs)
        self.addresses += [found[k] or "" for k in ("src", "href", "action", "data") if k in found]
        self.ids += [found["id"] or ""] if "id" in found else []
        assert not any(name.startswith("on") or name == "style" for name in found), (tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in ("script", "style"):
            self.text.append(data)


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    assert len(reader.ids) == len(set(reader.ids))
    return reader


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> LeagueFolder:
    return make_known_league(tmp_path_factory.mktemp("known") / "my-league", evil=EVIL)


@pytest.fixture(scope="module")
def text(folder: LeagueFolder) -> str:
    return league_page(folder)


def test_every_section_has_its_question_and_an_answer(text: str) -> None:
    reader = read(text)
    assert [i for i in reader.ids if i in SECTIONS] == list(SECTIONS)
    assert reader.tags.count("h2") == 10
    answers = re.findall(r'<p class="answer">(.+?)</p>', text, re.DOTALL)
    assert len(answers) == 10
    assert all(answer.rstrip().endswith(".") for answer in answers)
    assert text.count('class="question">') == 10


def test_nothing_is_asked_of_anybody(text: str) -> None:
    reader = read(text)
    inside = tuple(f"#{key}" for key in SECTIONS)
    assert all(a in inside or a.startswith("data:") for a in reader.addresses)
    assert "http:" not in text and "https:" not in text and "@import" not in text
    assert "default-src &#39;none&#39;" in text
    assert not {"iframe", "object", "embed", "form", "base"} & set(reader.tags)


def test_foreign_text_is_text(text: str) -> None:
    assert EVIL not in text
    assert "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;" in text
    n_own = read(text).tags.count("script")
    assert text.count("<script") == n_own  # none came with a name


def test_no_path_of_the_machine_is_shown(text: str, folder: LeagueFolder) -> None:
    assert str(folder.root) not in text
    assert "somebody" not in text and "/home/" not in text
    assert "a learner died in my-league/checkpoints/x and y" in text
    assert str(Path.home()) not in text


def test_a_page_of_the_same_facts_is_the_same(folder: LeagueFolder) -> None:
    facts = read_facts(folder, at=NOON)
    assert page(facts) == page(facts)


def test_only_some_sections_can_be_asked_for(folder: LeagueFolder) -> None:
    reader = read(league_page(folder, only=["beats", "places"]))
    assert [i for i in reader.ids if i in SECTIONS] == ["beats", "places"]


def test_a_league_that_has_played_nothing_has_a_page(tmp_path: Path) -> None:
    folder = make_known_league(tmp_path / "new", n_matches=0)
    text = league_page(folder)
    read(text)
    assert "Nobody has played a rated match yet." in text
    assert "No rated match has been finished yet." in text
    assert "This league has no rated matches yet." in text


def test_a_league_of_one_member_has_a_page(tmp_path: Path) -> None:
    folder = make_known_league(tmp_path / "one", n_matches=0)
    facts = read_facts(folder, at=NOON)
    alone = dataclasses.replace(facts.state, members=facts.state.members[:1], learners=())
    read(page(dataclasses.replace(facts, state=alone, trainings=[])))


def test_a_few_matches_are_too_few_to_judge(tmp_path: Path) -> None:
    text = league_page(make_league(tmp_path / "small"))
    read(text)
    assert "It is too early to say" in text
    assert "There are too few matches to compare seats." in text


def test_two_hundred_members_make_less_than_a_megabyte(tmp_path: Path) -> None:
    folder = make_large_league(tmp_path / "large", 200, 600)
    facts = read_facts(folder, at=NOON)
    assert len(facts.matches) == 601 and len(facts.ranked) > 190
    text = page(facts)
    read(text)
    assert 100_000 < len(text.encode()) < 900_000  # films are 100,000 more


def test_a_league_of_an_older_database_is_refused_in_a_sentence(tmp_path: Path) -> None:
    from sqlalchemy import create_engine

    folder = make_known_league(tmp_path / "old", n_matches=0)
    engine = create_engine(f"sqlite:///{folder.sqlite}")
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE learner_updates")
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    engine.dispose()
    with pytest.raises(DatabaseError, match="league start"):
        write_page(folder, tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()


def test_the_file_is_written_whole_or_not_at_all(
    folder: LeagueFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "deep" / "page.html"
    assert write_page(folder, target, only=["run"]) == target
    before = target.read_bytes()
    assert before.startswith(b"<!doctype html>")

    def no_room(self: Path, new: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", no_room)
    with pytest.raises(FolderError, match="No space left"):
        write_page(folder, target, only=["run"])
    assert target.read_bytes() == before
    assert [path.name for path in target.parent.iterdir()] == ["page.html"]
