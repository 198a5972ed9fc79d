"""Who is champion: a history with reasons, promotions by hand, rollbacks."""

from __future__ import annotations

import pytest

from db import queries
from league.champion import throne
from league.errors import ChampionError
from tests.league.champion.conftest import Court


def crown(court: Court, name: str, by: throne.By = "hand", why: str = "because") -> None:
    throne.crown(court.session, queries.get_member(court.session, court.ids[name]), by, why)


def reigning(court: Court) -> str | None:
    reign = throne.reigning(court.session)
    return None if reign is None else reign.name


def test_every_change_keeps_its_reason_and_the_champion_before(court: Court) -> None:
    crown(court, "tribe", "ratings", "the best by ratings")
    crown(court, "attention-0001", "test", "57 % in 40 pairs")
    found = [(r.name, r.by, r.why, r.previous) for r in throne.history(court.session)]
    assert found == [
        ("tribe", "ratings", "the best by ratings", None),
        ("attention-0001", "test", "57 % in 40 pairs", "tribe"),
    ]
    assert reigning(court) == "attention-0001"


def test_a_rollback_goes_back_one_champion_at_a_time(court: Court) -> None:
    for name in ("tribe", "attention-0001", "attention-0002"):
        crown(court, name)
    assert throne.roll_back(court.session, "it broke") == ("attention-0002", "attention-0001")
    assert throne.roll_back(court.session, "so did this") == ("attention-0001", "tribe")
    with pytest.raises(ChampionError, match="before tribe, found none"):
        throne.roll_back(court.session, "and now")
    assert reigning(court) == "tribe"
    assert throne.history(court.session)[-1].why == "so did this"
    dismissed = {court.ids["attention-0001"], court.ids["attention-0002"]}
    assert throne.dismissed(court.session) == dismissed


def test_who_is_put_back_by_hand_is_no_longer_dismissed(court: Court) -> None:
    for name in ("tribe", "attention-0001"):
        crown(court, name)
    throne.roll_back(court.session, "it broke")
    crown(court, "attention-0001")
    assert throne.dismissed(court.session) == set()
    assert throne.roll_back(court.session, "again") == ("attention-0001", "tribe")


def test_a_rollback_passes_over_champions_that_are_out_of_play(court: Court) -> None:
    for name in ("tribe", "attention-0001", "attention-0002"):
        crown(court, name)
    queries.set_status(court.session, court.ids["attention-0001"], "retired")
    assert throne.roll_back(court.session, "it broke") == ("attention-0002", "tribe")


def test_only_an_active_member_that_is_not_champion_yet_can_be_crowned(court: Court) -> None:
    crown(court, "tribe")
    with pytest.raises(ChampionError, match="champion already"):
        crown(court, "tribe")
    queries.set_status(court.session, court.ids["attention-0001"], "retired")
    with pytest.raises(ChampionError, match="which is retired"):
        crown(court, "attention-0001")
    queries.set_status(court.session, court.ids["tribe"], "retired")
    assert reigning(court) is None
