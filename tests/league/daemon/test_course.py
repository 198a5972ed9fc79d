"""The manager watches the courses of its lineages, and their learners hear of a plateau."""

from __future__ import annotations

from pathlib import Path

from db import queries
from db.session import read_transaction, write_transaction
from league.learner.messages import Offered, Roster
from tests.league.daemon.managed import Run
from tests.league.daemon.scripted import new_league


def test_a_lineage_is_watched_from_its_first_member_on_and_hears_of_a_plateau(
    tmp_path: Path,
) -> None:
    with new_league(tmp_path / "league") as league:
        assert league.config.rating.held_out  # as every new league has
        run = Run(league)
        run.turn()
        run.say(Offered(run.offer(), 640, "test"))
        run.manager._courses._looked_at = -1e9  # half a minute later
        run.turn()
        with read_transaction(league.engine) as session:
            stored = queries.get_league_value(session, "course:attention")
        assert stored is not None and stored["reference"] == run.learner().member_id
        assert run.told(Roster)[-1].stirred_at is None  # type: ignore[attr-defined]
        with write_transaction(league.engine) as session:
            queries.set_league_value(session, "course:attention", {**stored, "stirred_at": 640})
        run.manager._rosters_at = -1e9
        run.turn()
        assert run.told(Roster)[-1].stirred_at == 640  # type: ignore[attr-defined]
        run.manager.kill()
