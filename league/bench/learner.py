"""Benchmark of a learner: decisions per second over whole PPO cycles, and where the time goes.

A Trainer runs alone in a temporary league, against four scripted members and an untrained snapshot
of each family (random weights cost the same as trained ones), so that both families meet the same
opponents. The first cycle loads compiled code and is not counted.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agents.description import SnapshotDescription
from arena.processes.scratch import ScratchFolder
from league.bench import machine
from league.config.layers import resolve
from league.config.toml import write_toml
from league.config.tree import LeagueConfig
from league.errors import BenchError
from league.folder.layout import create_folder
from league.learner.messages import LearnerOrders, Roster
from league.learner.settings import learner_settings
from league.learner.trainer import Trainer
from league.matchmaking.opponents import Foe
from league.ppo.algorithm import PHASES
from msattn.actor_critic import ActorCritic
from msattn.config import FAMILIES

_SCRIPTED = ("scripted:tribe", "scripted:expander", "scripted:turtle", "scripted:opportunist")


def make_orders(root: Path, config: LeagueConfig, family: str, seed: int = 0) -> LearnerOrders:
    """Return the orders of a learner that trains alone in the league folder `root`."""
    return LearnerOrders(
        root=str(root),
        settings=learner_settings(config),
        name="bench",
        family=family,
        role="main",
        seed=seed,
        snapshot=None,
        trained_decisions=0,
    )


def make_trainer(root: Path, config: LeagueConfig, family: str) -> Trainer:
    """Return a trainer that meets four scripted members and a new snapshot of each family."""
    folder = create_folder(root, write_toml(config))
    trainer = Trainer(make_orders(folder.root, config, family))
    specs = list(_SCRIPTED)
    views = config.views.to_views()
    shapes = views.shapes()
    for other in FAMILIES:
        description = SnapshotDescription(
            family=other,
            **views.versions,
            torso=trainer.torso,
            shapes=shapes,
        )
        network = ActorCritic(other, shapes, trainer.torso, n_actions=views.n_actions)
        weights = network.state_dict()
        specs.append(f"snapshot:{trainer.store.save(weights, description)}")
    trainer.roster = Roster(
        tuple(Foe(i, 0.5) for i in range(len(specs))), dict(enumerate(specs)), ()
    )
    return trainer


@dataclass(frozen=True)
class Cycle:
    """One PPO cycle: decisions, wall time, and the time of each phase."""

    decisions: int
    seconds: float
    phases: dict[str, float]


def one_cycle(trainer: Trainer) -> Cycle:
    """Train one cycle."""
    before, began = trainer.ppo.num_timesteps, time.perf_counter()
    trainer.update()
    seconds = time.perf_counter() - began
    return Cycle(trainer.ppo.num_timesteps - before, seconds, dict(trainer.ppo.seconds))


@dataclass
class Spell:
    """Whole PPO cycles of one trainer, and where their time went."""

    cycles: int = 0
    decisions: int = 0
    seconds: float = 0.0
    phases: dict[str, float] = field(default_factory=lambda: dict.fromkeys(PHASES, 0.0))

    def run(self, trainer: Trainer) -> None:
        """Train one cycle."""
        self.add(one_cycle(trainer))

    def add(self, cycle: Cycle) -> None:
        """Count one cycle."""
        self.cycles += 1
        self.decisions += cycle.decisions
        self.seconds += cycle.seconds
        for name in PHASES:
            self.phases[name] += cycle.phases[name]
        # What no phase covers (drawing opponents, copying weights, the log) is overhead as well.
        self.phases["other"] += cycle.seconds - sum(cycle.phases[name] for name in PHASES)


def _warm_trainer(root: Path, config: LeagueConfig, family: str) -> Trainer:
    """Return a trainer after its first cycle, which loads compiled code.

    Raises:
        BenchError: the settings ask for several ranks, which this process is not.
    """
    if config.learner.n_ranks > 1:
        raise BenchError(
            f"expected {RANKS.setting} = 1, found {config.learner.n_ranks}: this measures one "
            "process; `league bench learner --ranks` measures several"
        )
    trainer = make_trainer(root, config, family)
    trainer.env.load_maps()  # a league generates each map once
    trainer.update()
    return trainer


@dataclass(frozen=True)
class Compared:
    """A number that arms of a comparison differ in: its name in results, and the setting."""

    name: str
    setting: str


THREADS = Compared("threads", "arena.n_threads")
HALVES = Compared("halves", "learner.n_halves")
RANKS = Compared("ranks", "learner.n_ranks")


def run_arms(
    what: Compared,
    values: Sequence[int],
    preset: str = "small",
    family: str = "attention",
    *,
    seconds: float = 60.0,
    sets: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Train with each value of a setting in turn, there and back, for `seconds` or longer.

    Args:
        values: the first is what the others are compared with.
    """
    spells = [Spell() for _ in values]
    with ScratchFolder("league-bench-") as place:
        trainers = [
            _warm_trainer(
                place / f"{what.name}-{n}-{i}",
                resolve(preset, None, (*sets, f"{what.setting}={n}")),
                family,
            )
            for i, n in enumerate(values)
        ]
        there_and_back(spells, lambda i: spells[i].run(trainers[i]), seconds)
    return arms_result(what, values, preset, family, spells)


def there_and_back(spells: Sequence[Spell], cycle: Callable[[int], None], seconds: float) -> None:
    """Run a cycle of each arm in turn, A B B A, for `seconds` or longer."""
    began = time.perf_counter()
    while spells[0].cycles == 0 or time.perf_counter() - began < seconds:
        there = list(range(len(spells)))
        for i in there + there[::-1]:
            cycle(i)


def arms_result(
    what: Compared, values: Sequence[int], preset: str, family: str, spells: Sequence[Spell]
) -> dict[str, Any]:
    """Return the figures of a comparison as JSON types."""
    rates = [spell.decisions / spell.seconds for spell in spells]
    playing = [spell.decisions / (spell.seconds - spell.phases["update"]) for spell in spells]
    return {
        "preset": preset,
        "family": family,
        "compared": what.name,
        "arms": [
            {
                what.name: n,
                "cycles": spell.cycles,
                "decisions_per_s": rate,
                "decisions_per_s_without_update": played,
                "ratio": rate / rates[0],
                "ratio_without_update": played / playing[0],
                "shares": {name: s / spell.seconds for name, s in spell.phases.items()},
            }
            for n, spell, rate, played in zip(values, spells, rates, playing, strict=True)
        ],
        "machine": machine.describe(),
    }


def arms_lines(result: dict[str, Any]) -> list[str]:
    """Return a comparison as text."""
    what = result["compared"]
    rows = [
        f"{arm[what]:3} {what} {arm['decisions_per_s']:10,.0f} decisions/s "
        f"({arm['ratio']:.2f} times), without the update "
        f"{arm['decisions_per_s_without_update']:,.0f} ({arm['ratio_without_update']:.2f} times), "
        f"{arm['cycles']} cycles"
        for arm in result["arms"]
    ]
    return [
        f"learner    {result['family']}, preset {result['preset']}, {what} in turn",
        *rows,
        f"           on {machine.sentence(result['machine'])}",
    ]


def run(
    preset: str = "small",
    family: str = "attention",
    *,
    seconds: float = 60.0,
    sets: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Train for `seconds` and at least one whole cycle, after one that is not counted.

    Args:
        sets: further settings, `key=value` as `league start --set` takes them.
    """
    config = resolve(preset, None, sets)
    with ScratchFolder("league-bench-") as place:
        trainer = _warm_trainer(place / "league", config, family)
        spell = Spell()
        while spell.cycles == 0 or spell.seconds < seconds:
            spell.run(trainer)
        device = str(trainer.device)
    return {
        "preset": preset,
        "family": family,
        "decisions_per_s": spell.decisions / spell.seconds,
        "decisions": spell.decisions,
        "cycles": spell.cycles,
        "seconds": spell.seconds,
        "phases": spell.phases,
        "shares": {name: value / spell.seconds for name, value in spell.phases.items()},
        "device": device,
        "threads": config.learner.n_threads,
        "game_threads": config.arena.n_threads,
        "settings": {
            name: getattr(config.learner, name)
            for name in ("n_matches", "seats_per_match", "n_steps", "batch_size", "n_epochs")
        },
        "machine": machine.describe(),
    }


def lines(result: dict[str, Any]) -> list[str]:
    """Return the result as text."""
    shares = "  ".join(f"{name} {share:.1%}" for name, share in result["shares"].items())
    return [
        f"learner    {result['decisions_per_s']:10,.0f} decisions/s  {result['family']}, preset "
        f"{result['preset']}, {result['cycles']} PPO cycles in {result['seconds']:.0f} s, "
        f"{result['device']}, {result['threads']} threads",
        f"           {shares}",
        f"           on {machine.sentence(result['machine'])}",
    ]
