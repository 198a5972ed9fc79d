"""`league bench audit`: make random cases, check the invariants on them, and report.

Promises to touch no league: all files are in a temporary folder. The same seed makes the same
cases. `league.bench.invariants` says what is checked, and how.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.random import PCG64, Generator
from numpy.typing import NDArray

from agents.policy import PolicyAgent
from agents.registry import make_loader
from arena.lockstep import LiveMatch, Lockstep
from arena.match import MatchResult, MatchSpec, play_matches
from arena.processes.scratch import ScratchFolder
from arena.territory.engine.engine import Engine
from arena.territory.engine.rules import EDITIONS, MAX_SEATS, MatchRules
from arena.territory.maps import PRESETS, load_map
from arena.territory.observation.symmetry import copied
from arena.territory.observation.views import N_SCALARS, SMALL_VIEWS
from arena.territory.observation.warm_up import warm_up
from db import queries
from db.migrate import upgrade
from db.records import MatchOutcome, MatchPlan, RatingLogRow, SeatOutcome
from db.session import open_writer, read_transaction, write_transaction
from league.bench import invariants, machine
from league.bench.invariants import Outcome
from league.bench.learner import make_orders
from league.config.layers import resolve
from league.config.toml import write_toml
from league.config.tree import SCRIPTED
from league.errors import BenchError
from league.folder.layout import LeagueFolder, create_folder
from league.learner.messages import Roster
from league.learner.trainer import Trainer
from league.matchmaking.opponents import Foe
from league.ppo.safety import policy_tensors
from league.rating.engines import CHAIN_VERSION, rate_function
from league.rating.trueskill import MU, SIGMA, Gaussian, child_rating
from msattn.actor_critic import ActorCritic, orthogonal_init
from msattn.config import FAMILIES, TorsoConfig

RULES = MatchRules(max_ticks=600)
DECISIONS = (0, 2, 8, 20)  # of a match: all seats equal, first contact, war, few survivors
N_MATCHES = 3  # whose positions are examined
N_REPLAYS = 8
N_RATED = 200  # matches of a rating log, of N_RATED_SEATS each
N_RATED_SEATS = 5
N_SHOWN = 3  # failures of one invariant that the text lists
_SIDE = 64  # tiles; views and blocks divide it evenly, so that it can be turned


# --- the cases ------------------------------------------------------------------------------------


def positions(seed: int) -> list[Engine]:
    """Return positions of matches of scripted members, from the start to the endgame."""
    found = []
    for number in range(seed, seed + N_MATCHES):
        rng = Generator(PCG64([seed, number]))
        load = lru_cache(make_loader())
        agents = [
            load(f"scripted:{SCRIPTED[rng.integers(len(SCRIPTED))]}") for _ in range(RULES.n_seats)
        ]
        territory = load_map(f"generated:{PRESETS[number % len(PRESETS)]}:{_SIDE}x{_SIDE}:{number}")
        match = LiveMatch(territory, RULES, SMALL_VIEWS, number, 0, agents)
        running = Lockstep(1, SMALL_VIEWS)
        running.begin(0, match)
        actions = np.zeros(MAX_SEATS, np.int64)
        for decision in range(DECISIONS[-1] + 1):
            running.refresh()
            if decision in DECISIONS:
                found.append(copied(match.engine))
            running.ask_agents(actions)
            running.advance(actions)
    return found


def matches(seed: int) -> list[MatchResult]:
    """Play matches of random scripted members on random maps.

    Raises:
        BenchError: a match failed.
    """
    rng = Generator(PCG64([seed, 1]))
    specs = [
        MatchSpec(
            seed=int(rng.integers(2**63)),
            map=f"generated:{rng.choice(PRESETS)}:{_SIDE}x48:{rng.integers(1000)}",
            agents=tuple(f"scripted:{name}" for name in rng.choice(SCRIPTED, RULES.n_seats)),
            rules=RULES,
            rotation=int(rng.integers(RULES.n_seats)),
        )
        for _ in range(N_REPLAYS)
    ]
    results = []
    for outcome in play_matches(specs, make_loader(), load_map):
        if not isinstance(outcome, MatchResult):
            raise BenchError(f"a match of the audit failed: {outcome.error}")
        results.append(outcome)
    return results


def rating_log(folder: Path, seed: int) -> tuple[list[RatingLogRow], dict[int, Gaussian]]:
    """Return the log and ratings of a season of random results, with children of members."""
    engine = open_writer(folder / "ratings.db")
    upgrade(engine)
    rng = Generator(PCG64([seed, 2]))
    season = "a" * 64
    ids: list[int] = []
    for number in range(N_RATED):
        with write_transaction(engine) as session:
            while len(ids) < N_RATED_SEATS + number // 20:
                ids.append(_admit(session, season, ids, rng))
            seats = rng.permutation(ids)[:N_RATED_SEATS].tolist()
            plan = MatchPlan(
                purpose="rating",
                seed=number,
                map="audit",
                map_sha256=season,
                rules_sha256=season,
                spec={},
                line_up=tuple((member_id, True) for member_id in seats),
            )
            places = rng.integers(1, N_RATED_SEATS + 1, N_RATED_SEATS).tolist()  # ties too
            queries.record_finished_match(
                session,
                queries.plan_match(session, plan),
                MatchOutcome(ticks=1, final_state_sha256=season, wall_s=1.0),
                [SeatOutcome(place, 1, 1) for place in places],
                rate=rate_function(CHAIN_VERSION),
                rating_version=CHAIN_VERSION,
            )
    with read_transaction(engine) as session:
        log = queries.rating_log(session, season)
        latest = queries.latest_ratings(session, season)
    engine.dispose()
    return log, {member_id: (row.mu, row.sigma) for member_id, row in latest.items()}


def _admit(session: Any, season: str, ids: list[int], rng: Generator) -> int:
    """Add a member: one of the first, or a child of a random member."""
    parent = int(rng.choice(ids)) if len(ids) >= N_RATED_SEATS else None
    member_id = queries.add_member(
        session,
        name=f"member-{len(ids)}",
        family="attention",
        role="main",
        agent_spec="snapshot:audit",
        parent_id=parent,
    )
    mu, sigma, allowance = MU, SIGMA, None
    if parent is not None:
        known = queries.latest_ratings(session, season)[parent]
        allowance = 3.0
        mu, sigma = child_rating(known.mu, known.sigma, allowance)
    queries.append_rating(
        session,
        member_id,
        mu,
        sigma,
        rules_sha256=season,
        rating_version=CHAIN_VERSION,
        allowance=allowance,
    )
    return member_id


def network(family: str, seed: int, version: int = 1) -> ActorCritic:
    """Return a policy with random weights, its logits further apart than an untrained one's.

    Args:
        version: of the observation that it reads.
    """
    shapes = replace(SMALL_VIEWS, observation_version=version).shapes()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        made = ActorCritic(family, shapes, TorsoConfig.preset("small", shapes))
        orthogonal_init(made, 2.0**0.5)
    return made


def train(seed: int, root: Path, n_updates: int) -> dict[str, NDArray[Any]]:
    """Train a small learner in a league folder, as `invariants.check_resume` expects it."""
    small = (
        *("views.global_size=16", "views.local_size=16", "learner.n_matches=2"),
        *("learner.n_steps=96", "learner.batch_size=32", "learner.n_threads=1"),
        *("learner.device=cpu", f"maps.train=['generated:continents:{_SIDE}x{_SIDE}:1-2']"),
    )
    config = resolve("small", None, small)
    exists = (root / "league.toml").exists()
    folder = LeagueFolder.at(root) if exists else create_folder(root, write_toml(config))
    trainer = Trainer(make_orders(folder.root, config, FAMILIES[seed % len(FAMILIES)]))
    specs = {0: "scripted:tribe", 1: "scripted:turtle"}
    trainer.roster = Roster((Foe(0, 0.5), Foe(1, 0.4)), specs, ())
    for _ in range(n_updates):
        trainer.update()
    trainer.checkpoint(force=True)
    become = {
        f"policy/{name}": tensor.detach().numpy().copy()
        for name, tensor in policy_tensors(trainer.ppo.policy)
    }
    for index, state in trainer.ppo.policy.optimizer.state_dict()["state"].items():
        become |= {f"optimizer/{index}/{key}": value.numpy() for key, value in state.items()}
    become["decisions"] = np.array(trainer.ppo.num_timesteps)
    become["next draw of torch"] = torch.rand(1).numpy()
    become["next draw of the matches"] = np.array(trainer.env.rng.random())
    return become


# --- the audit ------------------------------------------------------------------------------------


def _policies(seed: int, examined: list[Engine]) -> Outcome:
    rng = Generator(PCG64([seed, 3]))
    policies = [
        network(family, seed, version)
        for family in FAMILIES
        for version in EDITIONS["2025"].observation_versions
    ]
    found = [
        invariants.check_logits(
            examined[1::2], rng, PolicyAgent(policy, policy.torso.shapes).logits
        )
        for policy in policies
    ]
    return Outcome(
        sum(outcome.cases for outcome in found),
        tuple(failure for outcome in found for failure in outcome.failures),
    )


def _directions(seed: int) -> Outcome:
    torso = network("attention", seed).torso
    if torso.scores is None:
        raise BenchError("the preset 'small' has no direction scores to audit")
    features = torso.config.output
    return invariants.check_shared_directions(
        torso.scores, features, N_SCALARS, Generator(PCG64([seed, 4]))
    )


def checks(seed: int, folder: Path) -> dict[str, Callable[[], Outcome]]:
    """Return a check for each invariant by its sentence; the cases are made when it is called."""
    examined = lru_cache(1)(lambda: positions(seed))
    played = lru_cache(1)(lambda: matches(seed))
    rng = Generator(PCG64([seed, 5]))
    return {
        "views do not show a position's history": lambda: invariants.check_history(examined(), rng),
        "other owner numbers permute the views": lambda: invariants.check_numbers(examined(), rng),
        "a turned map turns the views": lambda: invariants.check_turns(examined()),
        "logits do not depend on number or batch": lambda: _policies(seed, examined()),
        "the direction scores are shared": lambda: _directions(seed),
        "a random match replays to its end": lambda: invariants.check_replays(
            played(), folder, load_map
        ),
        "memory depends on the match alone": lambda: invariants.check_memory(played(), load_map),
        "a rating log replays bit for bit": lambda: invariants.check_ratings(
            *rating_log(folder, seed)
        ),
        "a resumed learner equals an unbroken one": lambda: invariants.check_resume(
            partial(train, seed), folder
        ),
    }


def run(seed: int = 0, tell: Callable[[str], None] | None = None) -> dict[str, Any]:
    """Check every invariant.

    Args:
        seed: of the random cases.
        tell: called with what is being checked.
    """
    say = tell or (lambda text: None)
    found = []
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # equality bit for bit is promised for one thread
    try:
        with ScratchFolder("league-bench-") as place:
            say("loading the compiled code")
            warm_up()
            for name, check in checks(seed, place).items():
                say(name)
                began = time.perf_counter()
                outcome = check()
                found.append(
                    {
                        "invariant": name,
                        "ok": not outcome.failures,
                        "cases": outcome.cases,
                        "failures": list(outcome.failures),
                        "seconds": time.perf_counter() - began,
                    }
                )
    finally:
        torch.set_num_threads(threads)
    return {
        "ok": all(entry["ok"] for entry in found),
        "seed": seed,
        "invariants": found,
        "machine": machine.describe(),
    }


def lines(result: dict[str, Any]) -> list[str]:
    """Return the result as text: a line per invariant, and the first failures of each."""
    shown = []
    for entry in result["invariants"]:
        verdict = "ok" if entry["ok"] else "failed"
        shown.append(
            f"audit      {verdict:<6}  {entry['invariant']:<48}  {entry['cases']:>6,} cases  "
            f"{entry['seconds']:6.2f} s"
        )
        failures = entry["failures"]
        shown += [f"                   {failure}" for failure in failures[:N_SHOWN]]
        if len(failures) > N_SHOWN:
            shown.append(f"                   and {len(failures) - N_SHOWN} more")
    return shown
