"""A season is the rules and the allowance, whether the settings are at hand or stored."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from db import queries
from league.config.layers import resolve
from league.folder.layout import STORED_KEY
from league.folder.memory import stored_season
from league.rating.season import Season


def test_settings_at_hand_and_as_stored_give_the_same_season(session: Session) -> None:
    config = resolve("small", None, ["rules.max_ticks=900", "rating.sigma_allowance=1.1"])
    assert stored_season(session) is None  # before the first start
    queries.set_league_value(session, STORED_KEY, config.to_json())
    expected = Season(config.rules.to_rules().sha256(), 1.1)  # to the last bit, through JSON
    assert Season.of(config.to_json()) == expected == stored_season(session)


@pytest.mark.parametrize("change", ["rules.max_ticks=900", "rules.n_seats=8"])
def test_other_rules_are_another_season(change: str) -> None:
    first, second = (Season.of(resolve("small", None, sets).to_json()) for sets in ([], [change]))
    assert first.rules_sha256 != second.rules_sha256
    assert first.sigma_allowance == second.sigma_allowance
