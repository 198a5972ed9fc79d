"""Settings are compared at equal processor time and equal seats, and the same command goes on."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents.orders import WAIT
from agents.registry import make_loader
from arena.agent import CAP, TARGET, TARGET_TROOPS, TROOPS
from league.bench import settings as subject
from league.bench.company import COMPANY, Habits, judge
from league.bench.settings import Arm, Comparison, lines, parse_arm, run
from league.config.layers import resolve
from league.errors import BenchError, ConfigError
from league.matches.worker import cached_maps
from league.pit.mixed.plan import mixed_plan
from league.pit.sides import Side
from tests.schemas import fits

SETS = (
    "rules.max_ticks=100",
    "views.global_size=16",
    "views.local_size=16",
    "maps.train=['generated:continents:64x64:1']",
    "maps.rate=['generated:continents:64x64:2']",
    "learner.n_steps=64",
    "learner.batch_size=32",
    "learner.n_matches=2",
)


def small(out: Path, *arms: Arm, **changes: Any) -> Comparison:
    asked = Comparison(arms=arms, out=out, sets=SETS, cpu_s=1e-6, matches=8, pairs=1)
    return replace(asked, **changes)


def test_arms_train_and_are_judged_and_the_same_command_only_prints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = small(tmp_path, Arm("base"), Arm("mask", ("learner.relation_mask=on",)))
    result = run(asked)
    fits(result, "league-bench-settings/1")
    base, mask = result["rows"]
    assert (base["arm"], mask["arm"]) == ("base", "mask")
    assert base["better_than_first"]["mean"] == 0.0
    gain = base["place"]["mean"] - mask["place"]["mean"]
    for name in COMPANY:  # in the same matches
        assert abs(mask[f"better_than_{name}"]["mean"]) <= 9.0
    assert mask["better_than_first"]["mean"] == pytest.approx(gain)  # paired by seed
    assert base["decisions"] >= 64 and base["cpu_s"] > 0.0  # one update, and what it cost
    assert base["decisions_per_cpu_s"] == pytest.approx(base["decisions"] / base["cpu_s"])
    text = "\n".join(lines(result))
    assert "mask" in text and "8 matches in mixed company" in text
    json.dumps(result)

    def never(*arguments: object, **options: object) -> None:
        raise AssertionError("trained or judged again")

    monkeypatch.setattr(subject, "judge", never)
    monkeypatch.setattr(subject._Run, "_train", never)
    assert run(asked)["rows"] == result["rows"]


def test_more_time_goes_on_from_the_checkpoint_and_is_judged_anew(tmp_path: Path) -> None:
    asked = small(tmp_path, Arm("base"))
    first = run(asked)["rows"][0]
    more = run(replace(asked, cpu_s=first["cpu_s"] + 1e-6))["rows"][0]
    assert more["decisions"] > first["decisions"] and more["cpu_s"] > first["cpu_s"]
    state = json.loads((tmp_path / "base-seed0" / "arm.json").read_text())
    counts = [point["decisions"] for point in state["curve"]]
    assert len(counts) == 2 and counts[0] < counts[1]


def test_arms_are_compared_at_equal_decisions_on_request(tmp_path: Path) -> None:
    asked = small(tmp_path, Arm("base"), Arm("mask", ("learner.relation_mask=on",)), decisions=150)
    result = run(asked)
    for row in result["rows"]:
        assert 150 <= row["decisions"] < 150 + 2 * 64  # whole updates, whatever they took
    assert "150 decisions each" in lines(result)[0]
    assert run(asked)["rows"] == result["rows"]
    more = run(replace(asked, arms=asked.arms[:1], decisions=400))["rows"][0]
    assert more["decisions"] >= 400


def test_an_arm_with_a_ring_meets_its_own_snapshots(tmp_path: Path) -> None:
    sets = ("learner.ring_share=1", "learner.first_snapshot=32", "learner.snapshot_min_kl=0")
    met: list[str] = []
    asked = small(tmp_path, Arm("ring", sets))
    run(asked)  # one update, and a snapshot after it
    state = json.loads((tmp_path / "ring-seed0" / "arm.json").read_text())
    assert len(state["ring"]) == 1
    config = resolve("small", None, (*SETS, *sets, "seed=0"))
    more = subject._Run(
        replace(asked, cpu_s=state["cpu_s"] + 1e-6), asked.arms[0], 0, config, met.append
    )
    roster = subject._roster(more._read()["ring"])
    assert roster.specs[len(roster.specs) - 1] == f"snapshot:{state['ring'][0]}"
    more._train(more._read())
    assert len(json.loads((tmp_path / "ring-seed0" / "arm.json").read_text())["ring"]) == 2


def test_a_folder_of_other_settings_is_refused_and_so_is_what_is_not_an_arm(tmp_path: Path) -> None:
    run(small(tmp_path, Arm("base")))
    with pytest.raises(BenchError, match="found one with others; give the arm another name"):
        run(small(tmp_path, Arm("base", ("learner.ent_coef=0.5",))))
    with pytest.raises(ConfigError, match="unknown key"):
        run(small(tmp_path / "new", Arm("base"), Arm("odd", ("learner.nothing=1",))))
    assert not (tmp_path / "new").exists()
    with pytest.raises(BenchError, match="arms of different names"):
        small(tmp_path, Arm("base"), Arm("base"))
    assert parse_arm("a+b: x.y=1 z=off") == Arm("a+b", ("x.y=1", "z=off"))
    assert parse_arm("base") == Arm("base")
    for text in ("", ": x=1", "../up: x=1"):
        with pytest.raises(BenchError, match="expected an arm"):
            parse_arm(text)


def test_whoever_is_judged_with_the_same_seeds_meets_the_same_seats() -> None:
    config = resolve("small", None, SETS)
    sides = [Side(name, f"scripted:{name}") for name in COMPANY]
    plans = [
        mixed_plan((Side("x", f"snapshot:{c * 64}"), *sides), ("m",), config.rules.to_rules(), v)
        for c, v in (("0", config.views.to_views()), ("f", config.views.to_views()))
    ]
    for seed in range(5):
        for part in range(8):
            one, other = (plan.labels(seed, part) for plan in plans)
            assert one == other and len(one) == 10
    judged = [
        judge(
            "plugin:judged:make",
            lambda spec: make_loader()("scripted:turtle" if "plugin" in spec else spec),
            cached_maps(None),
            config,
            matches=9,
            pairs=1,
            seed=1,
        )
        for _ in range(2)
    ]
    assert judged[0] == judged[1]
    assert set(judged[0].company) == set(COMPANY)
    together = [judged[0].places, *judged[0].company.values()]
    # Eight names hold each seat once per seed: places 1 to 10, ties sharing the better one.
    assert all(4.0 < float(np.mean(places)) <= 5.5 for places in zip(*together, strict=True))
    assert judged[0].n_matches == 16 and len(judged[0].places) == 2  # whole seeds of 8 matches


def test_habits_are_counted() -> None:
    class Batch:
        """Two seats; the second has a rival of 30 and neutral land."""

        own = np.zeros((2, 6), np.int64)
        directions = np.zeros((2, 8, 7), np.int64)

        def __len__(self) -> int:
            return 2

    batch: Any = Batch()
    batch.own[:, TROOPS], batch.own[:, CAP] = (50, 60), (100, 80)
    batch.directions[1, 2, TARGET], batch.directions[1, 2, TARGET_TROOPS] = 4, 30
    habits = Habits()
    habits.add(batch, np.array([WAIT, 2 * 5 + 1]))  # an order against the rival: 30 over 60
    habits.add(batch, np.array([WAIT + 2, 3 * 5]))  # and one into neutral land
    assert habits.to_json() == {
        "orders_per_decision": 0.5,
        "target_over_own": 0.5,
        "orders_on_stronger": 0.0,
        "home_fullness": pytest.approx((0.5 + 0.75) / 2),
    }
    assert Habits().to_json()["target_over_own"] is None


def test_the_lesson_of_an_arm_counts_and_is_shown(tmp_path: Path) -> None:
    lesson = tuple(f"learner.teacher{e}" for e in ("=strategist", "_rows=100", "_epochs=1"))
    told: list[str] = []
    taught, nothing = run(small(tmp_path, Arm("taught", lesson), Arm("nothing")), told.append)[
        "rows"
    ]
    assert nothing["taught"] is None
    assert 0.0 <= taught["taught"]["agreement"] <= 1.0
    assert any("decisions of its teacher, epoch 1, agrees in" in text for text in told)
    assert taught["cpu_s"] > nothing["cpu_s"]
