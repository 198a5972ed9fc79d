"""Benchmark of a learner: decisions per second over whole PPO cycles, and where the time goes.

A Trainer runs alone in a temporary league, against four scripted members and an untrained snapshot
of each family (random weights cost the same as trained ones), so that both families meet the same
opponents. The first cycle loads compiled code and is not counted.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from agents.description import SnapshotDescription
from arena.processes.scratch import ScratchFolder
from arena.territory.observation.views import ACTION_VERSION
from league.bench import machine
from league.config.layers import resolve
from league.config.toml import write_toml
from league.config.tree import LeagueConfig
from league.folder.layout import create_folder
from league.learner.messages import LearnerOrders, Roster
from league.learner.settings import learner_settings
from league.learner.trainer import Trainer
from league.matchmaking.opponents import Foe
from league.ppo.algorithm import PHASES
from msattn.actor_critic import ActorCritic
from msattn.config import FAMILIES

_SCRIPTED = ("scripted:tribe", "scripted:expander", "scripted:turtle", "scripted:opportunist")


def make_orders(root: Path, config: LeagueConfig, family: str) -> LearnerOrders:
    """Return the orders of a learner that trains alone in the league folder `root`."""
    return LearnerOrders(
        root=str(root),
        settings=learner_settings(config),
        name="bench",
        family=family,
        role="main",
        seed=0,
        snapshot=None,
        trained_decisions=0,
    )


def make_trainer(root: Path, config: LeagueConfig, family: str) -> Trainer:
    """Return a trainer that meets four scripted members and a new snapshot of each family."""
    folder = create_folder(root, write_toml(config))
    trainer = Trainer(make_orders(folder.root, config, family))
    specs = list(_SCRIPTED)
    shapes = config.views.to_views().shapes()
    for other in FAMILIES:
        description = SnapshotDescription(
            family=other,
            observation_version=config.views.observation_version,
            action_version=ACTION_VERSION,
            torso=trainer.torso,
            shapes=shapes,
        )
        weights = ActorCritic(other, shapes, trainer.torso).state_dict()
        specs.append(f"snapshot:{trainer.store.save(weights, description)}")
    trainer.roster = Roster(
        tuple(Foe(i, 0.5) for i in range(len(specs))), dict(enumerate(specs)), ()
    )
    return trainer


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
    spent = dict.fromkeys(PHASES, 0.0)
    with ScratchFolder("league-bench-") as place:
        trainer = make_trainer(place / "league", config, family)
        trainer.env.load_maps()  # a league generates each map once
        trainer.update()
        before, cycles = trainer.ppo.num_timesteps, 0
        began = time.perf_counter()
        while cycles == 0 or time.perf_counter() - began < seconds:
            trainer.update()
            cycles += 1
            for name in PHASES:
                spent[name] += trainer.ppo.seconds[name]
        elapsed = time.perf_counter() - began
        decisions = trainer.ppo.num_timesteps - before
        device = str(trainer.device)
    # What no phase covers (drawing opponents, copying weights, the log) is overhead as well.
    spent["other"] += elapsed - sum(spent.values())
    return {
        "preset": preset,
        "family": family,
        "decisions_per_s": decisions / elapsed,
        "decisions": decisions,
        "cycles": cycles,
        "seconds": elapsed,
        "phases": spent,
        "shares": {name: value / elapsed for name, value in spent.items()},
        "device": device,
        "threads": config.learner.n_threads,
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
