"""The recorded gates of edition 2026 are held, and what is not played yet is said.

The records lie beside the repository in `shared/reference2026`; without them only the tests on
small records made here run.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from arena import parity
from arena.errors import ArenaError, MatchError
from arena.territory.engine.engine import Engine
from arena.territory.engine.formulas import player_tile, troop_cap, troop_increase
from arena.territory.engine.rules import BOT, HUMAN, MatchRules
from arena.territory.maps import TerritoryMap
from arena.territory.observation.observation import empty_facts, make_scratch, observe_facts
from arena.territory.observation.views import SMALL_VIEWS

REFERENCE = Path(__file__).resolve().parents[3] / "shared" / "reference2026"
PLAYED = (
    "growth_",
    "immunity",
    "lone_",
    "duel_",
    "enclave_",
    "tribes9_",
    "isles_",
    "boat_",
    "formula",
    "cities_",
    "alliance_",
    "nations9_",
)
NOT_HERE = "_long"  # 6,000 ticks, with nothing that the others have not
RECORDS = (
    [
        path
        for path in sorted(REFERENCE.glob("*.json*"))
        if path.name.startswith(PLAYED) and NOT_HERE not in path.name
    ]
    if REFERENCE.is_dir()
    else []
)
MISSING = f"the recorded curves are not at {REFERENCE}"


@pytest.mark.skipif(not RECORDS, reason=MISSING)
@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.name.partition(".")[0])
def test_every_gate_of_a_record_is_held(path: Path) -> None:
    gates = parity.check_file(path, REFERENCE.parent / "maps", "2026")
    assert gates
    missed = [f"{g.what}: {g.gap} > {g.allowed} {g.unit}" for g in gates if not g.is_held]
    assert missed == []


# --- records made here ----------------------------------------------------------------------------


def growth_record() -> dict[str, Any]:
    """A nation of medium skill on 40 tiles and a bot on 30, 40 ticks, by the formulas."""
    caps = {"N": troop_cap(40, 1.0, 0.75), "B": troop_cap(30, 3.0, 1.0)}
    factors = {"N": 0.95, "B": 0.5}
    troops: dict[str, list[int]] = {"N": [18_750], "B": [10_000]}
    for _ in range(39):
        for name, column in troops.items():
            last = column[-1]
            column.append(last + int(troop_increase(float(last), caps[name], factors[name])))
    return {
        "name": "growth_made_here",
        "scenario": {
            "kind": "growth_no_attack",
            "map": {"uniform_byte": 128, "width": 20, "height": 20},
            "difficulty": "Medium",
            "owner_rects": [["N", 2, 2, 12, 6], ["B", 2, 9, 12, 12]],
        },
        "players": [{"id": "N", "type": "nation"}, {"id": "B", "type": "bot"}],
        "ticks_first": 101,
        "ticks_last": 140,
        "constant": {"tiles": [40, 30]},
        "troops": [troops["N"], troops["B"]],
    }


def missed(folder: Path, record: dict[str, Any]) -> list[str]:
    path = folder / "record.json"
    path.write_text(json.dumps(record))
    return [gate.what for gate in parity.check_file(path, folder, "2026") if not gate.is_held]


def test_a_record_that_follows_the_rules_is_held_and_a_tampered_one_is_not(tmp_path: Path) -> None:
    record = growth_record()
    assert missed(tmp_path, record) == []
    wrong = copy.deepcopy(record)
    wrong["troops"][1][25] += 1
    assert missed(tmp_path, wrong) == ["troops"]
    wrong = copy.deepcopy(record)
    wrong["constant"]["tiles"][0] += 1
    assert missed(tmp_path, wrong) == ["tiles"]


def test_what_is_not_played_is_said(tmp_path: Path) -> None:
    record = growth_record()
    record["scenario"]["orders"] = [{"t": 110, "kind": "nuke", "from": "N", "to": "B"}]
    with pytest.raises(ArenaError, match="orders from tick 110 on that are not played"):
        missed(tmp_path, record)


def test_the_other_edition_does_not_hold_it(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    path.write_text(json.dumps(growth_record()))
    with pytest.raises(ArenaError, match="not a complete scenario"):
        parity.check_file(path, tmp_path, "2025")


# --- the rules ------------------------------------------------------------------------------------


def test_rules_of_2025_are_called_what_they_always_were() -> None:
    """Ratings, replays and seasons of old leagues go by this hash."""
    rules = MatchRules()
    assert "edition" not in rules.to_json()
    assert MatchRules.from_json(rules.to_json()) == rules
    assert rules.sha256() == "39ecf5fd0d91efa1f6e7a57c7ce7384b0160964408cea7406f0bbe0edb0acd42"


def test_rules_of_2026_are_others() -> None:
    rules = MatchRules(edition="2026")
    assert MatchRules.from_json(rules.to_json()) == rules
    assert rules.sha256() != MatchRules().sha256()
    with pytest.raises(MatchError, match="expected an edition of 2025, 2026, found 2024"):
        MatchRules(edition="2024")


def test_dense_defenders_cost_more_in_2026() -> None:
    before = player_tile(0, HUMAN, HUMAN, 1e4, 1e5, 1_000, 1_000, False, False, 0)
    after = player_tile(0, HUMAN, HUMAN, 1e4, 1e5, 1_000, 1_000, False, False, 1)
    # 0.6 of the old loss and 0.4 * 1.3 * 100 troops a tile * 0.8
    assert after[0] == pytest.approx(0.6 * before[0] + 0.4 * 1.3 * 100 * 0.8)
    assert after[1:] == before[1:]


def test_a_bot_that_is_attacked_is_cheaper_in_2026() -> None:
    before = player_tile(0, HUMAN, BOT, 1e4, 1e2, 1_000, 100_000, False, False, 0)
    after = player_tile(0, HUMAN, BOT, 1e4, 1e2, 1_000, 100_000, False, False, 1)
    thin = 0.4 * 1.3 * 0.001 * 0.8 * 0.7  # a thousandth of a troop per tile
    assert after[0] == pytest.approx(0.6 * before[0] * 0.7 / 0.8 + thin)


def _with_a_wall() -> TerritoryMap:
    terrain = np.full((12, 12), 128, np.uint8)
    terrain[:, 6] = 128 | 31
    return TerritoryMap.from_terrain("wall", terrain)


def test_land_of_magnitude_31_is_nobodys_in_2026() -> None:
    wall = _with_a_wall()
    old, new = (Engine(wall, 2, seed=1, edition=name) for name in ("2025", "2026"))
    assert (old.owner[:, 6] == 0).all()
    assert (new.owner[:, 6] == 255).all()
    assert (old.map.n_land, new.map.n_land) == (144, 132)
    assert new.map.n_playable == 72  # the larger side
    assert new.map.name == "wall"


def test_a_match_of_2026_is_won_by_share_of_all_land() -> None:
    wall = _with_a_wall()
    engine = Engine(wall, 2, seed=1, edition="2026")
    owners = np.zeros((12, 12), np.int64)
    owners[:, :6] = 1  # all of the playable land, but 72 of 132 tiles
    owners[0, 7] = 2
    engine.paint(owners)
    engine.place(1, kind="human")
    engine.place(2, kind="human")
    engine.run(11)
    assert not engine.is_over
    engine = Engine(wall, 2, seed=1, edition="2026")
    owners[:, 7:] = 1
    owners[0, 7] = 2
    engine.paint(owners)
    engine.run(11)
    assert engine.is_over
    assert engine.placements() == [1, 2]


def test_a_clone_plays_the_same_edition() -> None:
    engine = Engine(_with_a_wall(), 2, seed=1, edition="2026")
    assert engine.clone(3).edition is engine.edition
    assert engine.clone(3, into=engine.clone(4)).edition is engine.edition


@pytest.mark.parametrize(("edition", "first"), [("2025", 49), ("2026", 50)])
def test_the_mask_opens_when_attacks_are_accepted(edition: str, first: int) -> None:
    """A decision that is legal by the mask must not be refused by the engine in silence."""
    plains = TerritoryMap.from_terrain("plains", np.full((12, 12), 128, np.uint8))
    engine = Engine(plains, 2, seed=1, edition=edition)
    engine.never_end()
    for p in (1, 2):
        engine.place(p, kind="human")
    owners = np.ones((12, 12), np.int64)
    owners[:, 6:] = 2
    engine.paint(owners)
    facts, scratch = empty_facts(2), make_scratch(engine.state, SMALL_VIEWS)
    for tick in (48, 49, 50):
        engine.run(tick - engine.tick)
        observe_facts(engine.state, scratch, np.arange(2), engine.max_ticks, facts)
        assert facts.mask[0, :40].any() == (tick >= first)
        twin = engine.clone(None)
        twin.order(1, 2, 1_000.0)
        twin.run(1)
        assert bool(twin.attacks()) == (tick >= first)
