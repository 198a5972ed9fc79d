"""Tell which script a neighbour plays, from what is seen of it now and from its memory too.

    PYTHONPATH=. python tests/bench/neighbours.py [--matches 200] [--scripts tribe,expander,...]

Matches of scripted members on the rating maps of the preset `small`; at ticks 150 and 400 every
living player is looked at by one of its neighbours. A multinomial logistic regression (an L2
penalty, fitted on one half of the matches and judged on the other, and the other way round) tells
the script from the row: what version 1 shows of it (the first facts of a neighbour, which the
scalars of its directions hold too) and the observer's own scalars, then with all facts of version
2. Guessing the most frequent script is the chance. The interval is that of a mean over matches.
"""

from __future__ import annotations

import argparse
import sys
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray

from agents.registry import make_loader
from arena.lockstep import LiveMatch, Lockstep, as_dict
from arena.territory.engine.rules import MAX_SEATS
from arena.territory.maps import expand_references
from arena.territory.observation.observation import empty_views
from arena.territory.observation.views import (
    N_NEIGHBOUR_MEMBERSHIP,
    NEIGHBOUR_FACTS,
    OWN_SCALARS,
)
from league.config.layers import resolve
from league.matches.worker import cached_maps
from league.statistics.means import t_interval

TICKS = (150, 400)
SCRIPTS = ("tribe", "expander", "turtle", "opportunist")
N_PRESENT = [name for name, _ in NEIGHBOUR_FACTS].index("fullness")  # version 1 shows those before
PENALTY = 1e-3

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def rows_of(match: LiveMatch, core: Lockstep) -> tuple[Floats, Ints]:
    """Return a row for each player that has an observer, and the seats of the players.

    Returns:
        float64[n, F]: the observer's own scalars, then all facts of the neighbour; int64[n].
    """
    seats = np.flatnonzero(match.living)
    buffers = empty_views(len(seats), core.views)
    core.observe(seats, buffers)
    seen = as_dict(buffers)
    targets = core.facts.direction[seats, :, 0]
    found: dict[int, Floats] = {}
    for i in np.random.default_rng(match.seed).permutation(len(seats)):
        for d in range(8):
            row = seen["neighbours"][i, d]
            if row[d] and targets[i, d] > 0:
                own = seen["scalars"][i, : len(OWN_SCALARS)]
                seat = int(match.engine.seat_of[targets[i, d] - 1])
                found[seat] = np.concatenate([own, row[N_NEIGHBOUR_MEMBERSHIP:]]).astype(np.float64)
    return np.array(list(found.values())), np.array(list(found), np.int64)


def play(n_matches: int, scripts: tuple[str, ...]) -> dict[int, tuple[Floats, Ints, Ints]]:
    """Return rows float64[n, F], scripts int64[n] and matches int64[n] at each of TICKS."""
    config = resolve("small")
    rules, views = config.rules.to_rules(), config.views.to_views()
    maps, load_map = expand_references(config.maps.rate), cached_maps(None)
    load = lru_cache(make_loader())
    found: dict[int, list[tuple[Floats, Ints, Ints]]] = {tick: [] for tick in TICKS}
    for number in range(n_matches):
        labels = np.random.default_rng([1, number]).integers(len(scripts), size=rules.n_seats)
        agents = [load(f"scripted:{scripts[label]}") for label in labels]
        board = load_map(maps[number % len(maps)])
        match = LiveMatch(board, rules, views, number, 0, agents)
        core = Lockstep(1, views)
        core.begin(0, match)
        actions = np.zeros(MAX_SEATS, np.int64)
        while match.engine.tick <= max(TICKS) and not match.engine.is_over:
            core.refresh()
            if match.engine.tick in TICKS:
                rows, seats = rows_of(match, core)
                found[match.engine.tick].append((rows, labels[seats], np.full(len(seats), number)))
            core.ask_agents(actions)
            core.advance(actions)
    return {
        tick: tuple(np.concatenate(part) for part in zip(*parts, strict=True))  # type: ignore[misc]
        for tick, parts in found.items()
    }


def right(rows: Floats, labels: Ints, matches: Ints) -> NDArray[np.bool_]:
    """Return whether each row's script is told by a model fitted to the other half, bool[n]."""
    n_kinds = int(labels.max()) + 1
    told = np.zeros(len(labels), np.int64)
    for half in range(2):
        judged = matches % 2 == half
        mean, deviation = rows[~judged].mean(axis=0), rows[~judged].std(axis=0) + 1e-6
        x = torch.from_numpy(np.column_stack([(rows - mean) / deviation, np.ones(len(rows))]))
        weights = torch.zeros((x.shape[1], n_kinds), dtype=torch.float64, requires_grad=True)
        fitted, truth = torch.from_numpy(~judged), torch.from_numpy(labels)
        optimizer = torch.optim.LBFGS([weights], max_iter=200, line_search_fn="strong_wolfe")

        def loss(
            x: torch.Tensor = x,
            weights: torch.Tensor = weights,
            fitted: torch.Tensor = fitted,
            truth: torch.Tensor = truth,
            optimizer: torch.optim.LBFGS = optimizer,
        ) -> torch.Tensor:
            optimizer.zero_grad()
            error = torch.nn.functional.cross_entropy((x @ weights)[fitted], truth[fitted])
            total: torch.Tensor = error + PENALTY * (weights**2).sum()
            total.backward()  # type: ignore[no-untyped-call]
            return total

        optimizer.step(loss)  # type: ignore[no-untyped-call]
        told[judged] = (x @ weights).argmax(dim=1).numpy()[judged]
    answers: NDArray[np.bool_] = told == labels
    return answers


def in_words(answers: NDArray[np.bool_], matches: Ints) -> str:
    """Return the share of right answers with its interval."""
    interval = t_interval([float(answers[matches == m].mean()) for m in np.unique(matches)])
    return f"{100 * answers.mean():5.1f} % +- {100 * interval.half_width:3.1f}"


def main() -> int:
    parser = argparse.ArgumentParser(description="How far neighbours' scripts can be told apart.")
    parser.add_argument("--matches", type=int, default=200)
    parser.add_argument("--scripts", default=",".join(SCRIPTS))
    given = parser.parse_args()
    torch.set_num_threads(1)
    scripts = tuple(given.scripts.split(","))
    n_own = len(OWN_SCALARS)
    print(f"{given.matches} matches of {', '.join(scripts)}; share of neighbours told")
    print("| tick | players | chance | version 1 | version 2 |")
    print("|---:|---:|---:|---:|---:|")
    for tick, (rows, labels, matches) in play(given.matches, scripts).items():
        shown = (rows[:, : n_own + N_PRESENT], rows)
        told = [in_words(right(part, labels, matches), matches) for part in shown]
        chance = np.bincount(labels).max() / len(labels)
        print(f"| {tick} | {len(labels)} | {100 * chance:.0f} % | {told[0]} | {told[1]} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
