"""When the newest snapshot stood above the bar, by the ratings of each moment."""

from __future__ import annotations

from datetime import timedelta

from db.records import RatingMoment
from league.curves.bar_history import Passage, passages
from tests.league.hand_made import NOON

RIVAL, OLD, NEW = 1, 2, 3
NAMES = {RIVAL: "expander", OLD: "net-0000", NEW: "net-0001"}


def _match(minute: float, **mus: float) -> list[RatingMoment]:
    """One match at a minute; every sigma is 1, so that mu - 3 sigma is mu - 3."""
    ids = {"rival": RIVAL, "old": OLD, "new": NEW}
    at = NOON + timedelta(minutes=minute)
    return [RatingMoment(ids[name], mu, 1.0, at) for name, mu in mus.items()]


def _walk(*matches: list[RatingMoment], min_matches: int = 2) -> Passage:
    log = [RatingMoment(member, 25.0, 8.0, None) for member in (RIVAL, OLD, NEW)]
    log += [row for match in matches for row in match]
    return passages(log, {"net": [OLD, NEW]}, [RIVAL], NAMES, NOON, min_matches)["net"]


def test_the_first_moment_counts_and_how_often_it_was_so_since() -> None:
    found = _walk(
        _match(1, rival=26, old=28),  # one match each: not proven
        _match(2, rival=26, old=28),  # above: the first moment
        _match(3, rival=29, old=28),  # below
        _match(4, rival=27, old=28),  # above
        _match(5, rival=26, old=28),  # above: 3 of 4
    )
    assert found == Passage("net-0000", True, "net-0000", 2.0, 0.75)


def test_a_newer_snapshot_takes_over_when_it_has_the_matches() -> None:
    matches = [_match(1, rival=26, old=28), _match(2, rival=26, old=28)]
    matches.append(_match(3, rival=26, old=28, new=20))
    assert _walk(*matches).newest == "net-0000"
    matches.append(_match(4, rival=26, new=20))
    assert _walk(*matches) == Passage("net-0001", False, "net-0000", 2.0, 2 / 3)
    # An older one does not come back by playing on.
    matches.append(_match(5, rival=26, old=28))
    assert _walk(*matches).newest == "net-0001"


def test_nobody_is_above_a_rival_that_has_too_few_matches_itself() -> None:
    matches = [_match(1, old=28), _match(2, rival=20, old=28)]
    assert _walk(*matches) == Passage("net-0000", False, None, None, None)
    matches.append(_match(3, rival=20, old=28))
    assert _walk(*matches).first_minute == 3.0


def test_without_matches_there_is_no_newest() -> None:
    assert _walk() == Passage(None, False, None, None, None)
