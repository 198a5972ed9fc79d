"""Members, plans and results made by hand, for the tests of the queries."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from db import queries
from db.records import MatchOutcome, MatchPlan, SeatOutcome
from tests.db.conftest import MAP, RULES, STATE

OUTCOME = MatchOutcome(ticks=1500, final_state_sha256=STATE, wall_s=2.5, replay_path="replays/1")


def add(session: Session, name: str, **fields: Any) -> int:
    values = {"family": "scripted", "role": "anchor", "agent_spec": f"scripted:{name}", **fields}
    return queries.add_member(session, name=name, **values)


def admit(session: Session, *names: str) -> list[int]:
    ids = [add(session, name) for name in names]
    for member_id in ids:
        queries.append_rating(session, member_id, 25.0, 8.0, rules_sha256=RULES, rating_version="t")
    return ids


def plan(ids: list[int], *, rated: bool = True, **fields: Any) -> MatchPlan:
    values: dict[str, Any] = {
        "purpose": "rating",
        "seed": 2**62,
        "map": "generated:continents:128x128:7",
        "map_sha256": MAP,
        "rules_sha256": RULES,
        "spec": {"agents": ["a", "b"]},
        "line_up": tuple((member_id, rated) for member_id in ids),
    }
    return MatchPlan(**{**values, **fields})


def results(*placements: int) -> list[SeatOutcome]:
    return [SeatOutcome(placement, tiles=10, troops=100) for placement in placements]


def shift_by_placement(
    ratings: list[tuple[float, float]], placements: list[int]
) -> list[tuple[float, float]]:
    return [(mu - p, sigma * 0.9) for (mu, sigma), p in zip(ratings, placements, strict=True)]


def finish(session: Session, match_id: int, *placements: int, **fields: Any) -> bool:
    values = {"rate": shift_by_placement, "rating_version": "t", **fields}
    return queries.record_finished_match(session, match_id, OUTCOME, results(*placements), **values)
