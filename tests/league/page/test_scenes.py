"""Matches in the page: played back for the viewer, or named with the reason why not."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from league.folder.layout import LeagueFolder
from league.page.facts import read_facts
from league.page.notable import notable
from league.page.render import page
from league.page.scenes import MOST_BYTES, scene_of
from tests.league.hand_made import NOON
from tests.league.page.known import add_recorded_match, make_known_league
from tests.league.page.test_page import read


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> LeagueFolder:
    made = make_known_league(tmp_path_factory.mktemp("scenes") / "my-league", n_matches=4)
    add_recorded_match(made)
    return made


def test_a_match_with_a_replay_is_a_film_and_one_without_says_so(folder: LeagueFolder) -> None:
    facts = read_facts(folder, at=NOON)
    scenes = [scene_of(folder, each) for each in notable(facts)]
    # Only the fifth match has a replay, and the latest with one is preferred.
    assert scenes[0].notable.match.id == 5 and scenes[0].film is not None
    assert 'id="match-5"' in scenes[0].film and len(scenes[0].film) < MOST_BYTES + 20_000
    assert {scene.missing for scene in scenes[1:]} == {"it has no replay"}
    text = page(facts, scenes)
    reader = read(text)
    assert reader.ids.count("match-5") == 1
    assert text.count("Not shown here: it has no replay.") == len(scenes) - 1
    assert "attention-0001" in re.findall(r'id="match-5">(.*?)</script>', text, re.DOTALL)[0]


def test_a_damaged_replay_is_named_and_the_page_is_made(folder: LeagueFolder) -> None:
    facts = read_facts(folder, at=NOON)
    path = folder.root / "replays" / "00000005.replay"
    whole = path.read_bytes()
    path.write_bytes(whole[:40])
    try:
        first = scene_of(folder, notable(facts)[0])
    finally:
        path.write_bytes(whole)
    assert first.film is None and "damaged" in first.missing
    assert str(folder.root) not in first.missing


def test_a_replay_outside_the_league_is_not_read(folder: LeagueFolder, tmp_path: Path) -> None:
    facts = read_facts(folder, at=NOON)
    found = notable(facts)[0]
    gone = dataclasses.replace(found.match, id=99)
    scene = scene_of(folder, dataclasses.replace(found, match=gone))
    assert scene.film is None and "99" in scene.missing
