"""A state of the screen made by hand: two dozen members, three learners, matches, a scene."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from league.rating.first_places import Chance
from league.report.arena import ArenaRow
from league.report.champion import ChampionRow
from league.report.now import FoeRow, MeetsRow, RunRow
from league.report.state import (
    EventRow,
    LearnerRow,
    MemberRow,
    ReportState,
)
from league.screen.state import (
    Beating,
    MatchLine,
    Need,
    Scene,
    SceneSeat,
    ScreenState,
    Training,
)

NOON = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
SIZES = ((80, 24), (100, 30), (120, 40), (200, 60))
N_MEMBERS = 24


def member(at: int, name: str, family: str = "scripted", **fields: Any) -> MemberRow:
    """The member in place `at` of the standings."""
    mu = 31.0 - 0.53 * at
    values: dict[str, Any] = {
        "id": at,
        "name": name,
        "family": family,
        "role": "anchor" if family == "scripted" else "main",
        "status": "active",
        "mu": mu,
        "sigma": 0.2,
        "conservative": mu - 0.6,
        "half_width": 0.41 + 0.01 * at,
        "design_effect": 1.5,
        "line_ups": 40,
        "rank": at,
        "rank_low": max(1, at - 2),
        "rank_high": at + 2,
        "tier": 1 + at // 4,
        "matches": 1_250 - 11 * at,
        "wins": 300 - 11 * at,
        "mean_placement": 3.0 + 0.17 * at,
        "first": Chance(0.25 / at, 0.2 / at, 0.3 / at, 900),
        "trained_decisions": 0 if family == "scripted" else 1_203_456 + 10_000 * at,
        "snapshot": None,
        "agent_spec": f"scripted:{name}" if family == "scripted" else f"snapshot:{'d' * 64}",
        "generation": at,
        "parent_id": None,
        "created_at": NOON - timedelta(hours=1),
    }
    return MemberRow(**{**values, **fields})


def members() -> tuple[MemberRow, ...]:
    """Scripts and networks, one retired, one never rated."""
    names = ["expander", "strategist", "strategist-patient", "strategist-eager", "tribe", "turtle"]
    found = [member(at, name) for at, name in enumerate(names, start=1)]
    for at in range(len(names) + 1, N_MEMBERS):
        family = ("attention", "baseline")[at % 2]
        found.append(member(at, f"{family}-{at:04}", family, parent_id=at - 2 if at > 8 else None))
    found[9] = member(10, "attention-0010", "attention", status="retired")
    unrated = dict.fromkeys(
        ("mu", "sigma", "conservative", "half_width", "design_effect", "rank", "rank_low")
    ) | dict.fromkeys(("rank_high", "tier", "mean_placement", "first"))
    new = member(N_MEMBERS, "a-plugin-with-a-very-long-name", "plugin", **unrated)
    return (*found, new)


def learner(name: str, family: str, at: int, **fields: Any) -> LearnerRow:
    """A learner with the numbers of an update."""
    numbers: Mapping[str, Any] = {
        "placement_mean": 4.87 + at,
        "reward_mean": 0.59,
        "entropy": 1.771,
        "value_loss": 0.00691,
        "explained_variance": 0.703,
        "kl": 0.0287,
        "clip_share": 0.2375,
        "grad_norm": 1.733,
        "learning_rate": 0.00073877,
        "seconds_update": 15.9,
        "seconds_policy": 3.5,
        "seconds_env": 2.2,
        "seconds_observation": 1.8,
        "seconds_opponents": 1.7,
        "seconds_other": 0.6,
    }
    foes = tuple(
        FoeRow(row.name, round(0.3 + 0.02 * n, 3), round(0.3 / (n + 1), 4))
        for n, row in enumerate(members()[:8])
    )
    values: dict[str, Any] = {
        "name": name,
        "family": family,
        "role": "main",
        "status": "running",
        "generation": 7,
        "trained_decisions": 1_326_538 + at,
        "decisions_per_s": 1_162.0 - 100 * at,
        "latest_member": f"{family}-0020",
        "heartbeat_age_s": 3.0,
        "progress": numbers,
        "meets": MeetsRow(("expander", None, "tribe", "expander"), foes),
    }
    return LearnerRow(**{**values, **fields})


def report(**fields: Any) -> ReportState:
    """A running league of half an hour, with a timed end."""
    usage = {
        "cores": 2,
        "cpu_percent": 196.4,
        "memory_bytes": 2_633_000_000,
        "memory_total": 25_276_063_744,
        "disk_bytes": 51_400_000,
        "disk_bytes_per_h": 378_768_433,
        "gpus": [
            {
                "name": "H100",
                "used_percent": 87.0,
                "memory_bytes": 12e9,
                "memory_total": 80e9,
            }
        ],
    }
    values: dict[str, Any] = {
        "league": "big-league",
        "at": NOON,
        "rules_sha256": "a" * 64,
        "rating_version": "chain-1",
        "members": members(),
        "learners": (
            learner("attention", "attention", 0),
            learner("baseline", "baseline", 1),
            learner("exploiter", "attention", 2, role="main_exploiter", status="starting"),
        ),
        "matches": (),
        "arena": ArenaRow(12_394, 40, 32, 0, 60.0, 3.73, 5_600.0),
        "champion": ChampionRow("strategist", NOON, "test", "it beat expander"),
        "run": RunRow(
            NOON - timedelta(minutes=32, seconds=12),
            NOON + timedelta(minutes=27, seconds=48),
            NOON - timedelta(seconds=1),
            1_932.0,
            usage,
        ),
    }
    return ReportState(**{**values, **fields})


def scene(frame: int = 10) -> Scene:
    """A moment of a match on a board of four colours."""
    pixels = np.zeros((64, 64, 3), np.uint8)
    pixels[:32, :32], pixels[32:, :32], pixels[:32, 32:] = (200, 40, 40), (40, 200, 40), (9, 9, 99)
    seats = tuple(
        SceneSeat(
            seat=at,
            name=row.name,
            colour=(20 * at, 200, 100),
            tiles=3_036 - 137 * at,
            past=tuple(float(10 * n + at) for n in range(12)),
            died_at=260 + at if at > 7 else None,
        )
        for at, row in enumerate(members()[:10])
    )
    return Scene(12_394, "lakes:128x128:1002", 600, 1_500, frame, 50, pixels, seats, NOON)


def state(**fields: Any) -> ScreenState:
    """Everything at once."""
    shown = members()
    n = len(shown) - 1
    rates = [[0.5 + 0.4 * (j - i) / n for j in range(n)] for i in range(n)]
    games = [[0 if i == j else 3 if j == i + 1 else 120 for j in range(n)] for i in range(n)]
    rising = tuple(float(value) for value in range(60))
    training = Training(
        curves=dict.fromkeys(("placement_mean", "reward_mean", "entropy", "value_loss"), rising),
        left=83_462,
        needs=(Need("attention-0020", 51.5, 117), Need("strategist", 81.0, 169)),
        games={row.name: 139 for row in shown},
        held_out=(0.31, 0.4, 0.52, 0.63),
    )
    values: dict[str, Any] = {
        "league": "big-league",
        "at": NOON,
        "phase": "running",
        "pid": 4_711,
        "report": report(),
        "history": {
            row.id: tuple(None if step < 6 else 20.0 + row.id % 9 + step / 48 for step in range(48))
            for row in shown
        },
        "history_s": 1_800.0,
        "places": {row.id: tuple(abs(place - row.id % 10) for place in range(10)) for row in shown},
        "beating": Beating(
            tuple(row.name for row in shown[:n]),
            tuple(map(tuple, rates)),
            tuple(map(tuple, games)),
            (("expander", "tribe", "turtle"),),
        ),
        "training": dict.fromkeys(("attention", "baseline", "exploiter"), training),
        "matches": tuple(
            MatchLine(
                12_394 - at,
                NOON - timedelta(seconds=7 * at),
                f"highlands:128x128:{1000 + at % 8}",
                tuple(row.name for row in shown[at : at + 3]),
                1_500 - 10 * at,
                17.7,
                True,
            )
            for at in range(20)
        ),
        "events": tuple(
            EventRow(NOON - timedelta(minutes=9 - at), kind, level, message)
            for at, (kind, level, message) in enumerate(
                (
                    ("start", "info", "the league began"),
                    ("promotion", "info", "attention-0020 joined the pool: 119,825 decisions"),
                    ("machine_trouble", "alarm", "learner baseline waits for the machine"),
                    ("machine_recovered", "info", "learner baseline goes on"),
                )
            )
        ),
        "n_alarms": 1,
        "log": ("2026-03-01 11:59:00,000 INFO x: one", "2026-03-01 11:59:01,000 ERROR x: two"),
        "scene": scene(),
    }
    return ScreenState(**{**values, **fields})
