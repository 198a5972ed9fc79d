"""The invariants that `league bench audit` holds the program to, one function each.

A check takes its cases and what it examines, and returns an Outcome: how many cases there were and
a sentence for each that failed. It prints nothing, and raises no error for what it looks for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor

from arena.errors import ArenaError
from arena.lockstep import DEAD, Lockstep, as_dict
from arena.match import LoadMap, MatchResult, start_match, unpack_actions
from arena.replay import read_replay, verify, write_replay
from arena.territory.engine.engine import Engine
from arena.territory.observation import observation as obs
from arena.territory.observation.keys import VIEW_NAMES
from arena.territory.observation.symmetry import (
    neighbours_by_direction,
    renumbered,
    reordered,
    turned,
    turned_directions,
)
from arena.territory.observation.views import N_NEIGHBOUR_MEMBERSHIP, OWN_SCALARS, SMALL_VIEWS
from db.records import RatingLogRow
from league.rating.replay import first_difference, replay
from league.rating.trueskill import Gaussian
from msattn.config import N_DIRECTIONS
from msattn.directions import N_INTENSITIES

LOGIT_TOLERANCE = 1e-4  # float rounding of a forward pass whose rows are batched differently
# Where the facts of the directions begin and end along the second axis.
_DIRECTION_BLOCKS: dict[str, tuple[int, int | None]] = {
    "scalars": (len(OWN_SCALARS), None),
    "mask": (0, N_DIRECTIONS * N_INTENSITIES),
    "direction": (0, None),
}

Seen = dict[str, NDArray[Any]]
Look = Callable[[Engine], Seen]
Train = Callable[[Path, int], Mapping[str, NDArray[Any]]]


@dataclass(frozen=True)
class Outcome:
    """What a check found: the number of cases, and a sentence for each that failed."""

    cases: int
    failures: tuple[str, ...] = ()


def look(engine: Engine) -> Seen:
    """Return what all players see, row i for player i + 1: views, scalars, mask and facts."""
    n = engine.n_players
    rows = np.arange(n, dtype=np.int64)
    scratch = obs.make_scratch(engine.state, SMALL_VIEWS)
    facts, views = obs.empty_facts(n), obs.empty_views(n, SMALL_VIEWS)
    obs.observe_facts(engine.state, scratch, rows, engine.max_ticks, facts)
    obs.observe(engine.state, scratch, rows, engine.max_ticks, facts.mask, views)
    return {**as_dict(views), **facts._asdict()}


# --- observations ---------------------------------------------------------------------------------


def check_history(positions: Sequence[Engine], rng: Generator, look: Look = look) -> Outcome:
    """Check that no bit of a view shows the order in which a position came about."""
    failures: list[str] = []
    for engine in positions:
        failures += _differences(engine, look(engine), look(reordered(engine, rng)))
    return Outcome(_n_living(positions), tuple(failures))


def check_numbers(positions: Sequence[Engine], rng: Generator, look: Look = look) -> Outcome:
    """Check that other owner numbers permute what is seen and the targets, and nothing else.

    Directions in which several owners have the longest contact are left out, and so are the
    neighbours of a player that has such a direction: by a rule of the game the numbers decide which
    of them is the target.
    """
    failures: list[str] = []
    for engine in positions:
        number_of = _random_numbers(engine, rng)
        seen, other = look(engine), look(renumbered(engine, number_of))
        there = {key: values[number_of[1:] - 1] for key, values in other.items()}
        targets = seen["direction"][:, :, 0].copy()
        seen["direction"][:, :, 0] = np.where(targets >= 0, number_of[targets], -1)
        tied = tied_directions(engine)
        for key in _DIRECTION_BLOCKS:
            for values in (seen[key], there[key]):
                blocks = _blocks(values, key).copy()
                blocks[tied] = 0
                _set_blocks(values, key, blocks)
        any_tie = np.asarray(tied.any(axis=1))[:, None, None]
        for found in (seen, there):
            found["neighbours"] = np.where(any_tie, np.float32(0), found["neighbours"])
        failures += _differences(engine, seen, there)
    return Outcome(_n_living(positions), tuple(failures))


def check_turns(positions: Sequence[Engine], look: Look = look) -> Outcome:
    """Check that turning the map by 90, 180 or 270 degrees turns views and permutes directions."""
    failures: list[str] = []
    for engine in positions:
        for quarters in (1, 2, 3):
            seen, there = look(engine), look(turned(engine, quarters))
            for key in VIEW_NAMES:
                seen[key] = np.rot90(seen[key], -quarters, axes=(2, 3))
            for key in _DIRECTION_BLOCKS:
                blocks = _blocks(seen[key], key).copy()
                _set_blocks(seen[key], key, blocks[:, np.argsort(turned_directions(quarters))])
            seen["neighbours"] = turned_neighbours(seen["neighbours"], quarters)
            there["neighbours"] = neighbours_by_direction(there["neighbours"])
            failures += _differences(engine, seen, there, f" turned by {90 * quarters} degrees")
    return Outcome(3 * _n_living(positions), tuple(failures))


def turned_neighbours(
    neighbours: NDArray[np.float32], quarters: int, mirrored: bool = False
) -> NDArray[np.float32]:
    """Return by direction what the neighbours become when the map is turned."""
    was = np.argsort(turned_directions(quarters, mirrored))
    rows = neighbours_by_direction(neighbours)[:, was]
    rows[:, :, :N_NEIGHBOUR_MEMBERSHIP] = rows[:, :, was]
    return rows


def tied_directions(engine: Engine) -> NDArray[np.bool_]:
    """Return where several bordering owners have the longest contact, bool[players, 8]."""
    contact = engine.state.contact[1:, :, : engine.n_players + 1]
    has_border = contact[:, ::2].sum(axis=1) > 0
    counted = np.where(has_border[:, None, :], contact, 0)
    longest = counted.max(axis=2, keepdims=True)
    tied: NDArray[np.bool_] = ((counted == longest) & (longest > 0)).sum(axis=2) > 1
    return tied


def _blocks(values: NDArray[Any], key: str) -> NDArray[Any]:
    """Return the part that describes the directions, [n, 8, ...]."""
    first, last = _DIRECTION_BLOCKS[key]
    return values[:, first:last].reshape(len(values), N_DIRECTIONS, -1)


def _set_blocks(values: NDArray[Any], key: str, blocks: NDArray[Any]) -> None:
    first, last = _DIRECTION_BLOCKS[key]
    part = values[:, first:last]
    part[...] = blocks.reshape(part.shape)


def _random_numbers(engine: Engine, rng: Generator) -> NDArray[np.int64]:
    return np.concatenate([[0], 1 + rng.permutation(engine.n_players)])


def _n_living(positions: Sequence[Engine]) -> int:
    return sum(int((engine.tiles > 0).sum()) for engine in positions)


def _differences(engine: Engine, seen: Seen, there: Seen, how: str = "") -> list[str]:
    return [
        f"match {engine.seed}, tick {engine.tick}, player {row + 1}{how}: {key} differs"
        for key in seen
        for row in range(engine.n_players)
        if not np.array_equal(seen[key][row], there[key][row])
    ]


# --- policies -------------------------------------------------------------------------------------


def check_logits(
    positions: Sequence[Engine],
    rng: Generator,
    logits: Callable[[Seen], NDArray[np.float32]],
) -> Outcome:
    """Check that a seat's logits depend on neither its number nor the rest of the batch.

    Each living seat without a tied direction is evaluated alone, and among the seats of the same
    position under other owner numbers; the logits must agree up to rounding.
    """
    failures: list[str] = []
    cases = 0
    for engine in positions:
        number_of = _random_numbers(engine, rng)
        seen, other = (
            {key: found[key] for key in SMALL_VIEWS.shapes()}
            for found in (look(engine), look(renumbered(engine, number_of)))
        )
        among = logits(other)[number_of[1:] - 1]
        for row in np.flatnonzero((engine.tiles > 0) & ~tied_directions(engine).any(axis=1)):
            alone = logits({key: values[row : row + 1] for key, values in seen.items()})[0]
            cases += 1
            gap = float(np.abs(alone - among[row]).max())
            if not gap <= LOGIT_TOLERANCE:
                failures.append(
                    f"match {engine.seed}, tick {engine.tick}, player {row + 1}: logits differ by "
                    f"{gap:.1e}"
                )
    return Outcome(cases, tuple(failures))


def check_shared_directions(
    scores: Callable[[Tensor, Tensor], Tensor],
    n_features: int,
    n_scalars: int,
    rng: Generator,
    cases: int = 100,
) -> Outcome:
    """Check that permuting the scalars of the directions permutes the direction scores.

    Args:
        scores: float32[n, F] scalars and float32[n, n_features] features to float32[n, 40].
        n_scalars: F.
    """
    failures = []
    first = len(OWN_SCALARS)
    for case in range(cases):
        features = torch.from_numpy(rng.standard_normal((1, n_features), np.float32))
        scalars = torch.from_numpy(rng.standard_normal((1, n_scalars), np.float32))
        order = torch.from_numpy(rng.permutation(N_DIRECTIONS))
        permuted = scalars.clone()
        blocks = scalars[:, first:].reshape(1, N_DIRECTIONS, -1)
        permuted[:, first:] = blocks[:, order].reshape(1, -1)
        with torch.inference_mode():
            expected = scores(scalars, features).reshape(N_DIRECTIONS, -1)[order]
            found = scores(permuted, features).reshape(N_DIRECTIONS, -1)
        gap = float((expected - found).abs().max())
        if not gap <= LOGIT_TOLERANCE:
            failures.append(f"case {case}: scores differ by {gap:.1e}")
    return Outcome(cases, tuple(failures))


# --- matches, ratings, learners -------------------------------------------------------------------


def check_replays(results: Sequence[MatchResult], folder: Path, load_map: LoadMap) -> Outcome:
    """Check that a match, written, read and played back, ends in the recorded state and result."""
    failures = []
    for i, result in enumerate(results):
        path = folder / f"{i}.replay"
        write_replay(result, path)
        try:
            verify(read_replay(path), load_map)
        except ArenaError as error:
            failures.append(f"match {result.spec.seed} on {result.spec.map}: {error}")
    return Outcome(len(results), tuple(failures))


def check_memory(
    results: Sequence[MatchResult], load_map: LoadMap, remembered: Look | None = None
) -> Outcome:
    """Check that what a seat sees of the past depends on the match alone.

    Each match is played to its middle twice, by somebody who looks at every decision and runs tick
    by tick, and by somebody who never looks and clones the board on the way; then both look.

    Args:
        remembered: what to compare; None takes all that is seen.
    """
    see = remembered or look
    failures: list[str] = []
    n_living = 0
    for result in results:
        watched, unseen = (_half(result, load_map, watch) for watch in (True, False))
        failures += _differences(watched, see(watched), see(unseen))
        n_living += int((watched.tiles > 0).sum())
    return Outcome(n_living, tuple(failures))


def _half(result: MatchResult, load_map: LoadMap, watch: bool) -> Engine:
    """Return the board in the middle of a recorded match, watched or cloned at every decision."""
    spec = result.spec
    match = start_match(spec, load_map, [None] * spec.rules.n_seats)
    core = Lockstep(1, spec.views)
    core.begin(0, match)
    actions, at = unpack_actions(result.actions), 0
    buffers = obs.empty_views(spec.rules.n_seats, spec.views)
    decision = spec.rules.ticks_per_decision
    for _ in range(result.ticks // decision // 2):
        alive = match.living
        chosen = np.full(len(alive), DEAD, np.int64)
        chosen[alive] = actions[at : at + int(alive.sum())]
        at += int(alive.sum())
        if watch:
            core.refresh()
            core.observe(np.flatnonzero(alive), buffers)
        match.engine.act(chosen)
        if watch:
            for _ in range(decision):
                match.engine.run(1)
        else:
            match.engine = match.engine.clone(None)
            match.engine.run(decision)
    return match.engine


def check_ratings(log: Sequence[RatingLogRow], current: Mapping[int, Gaussian]) -> Outcome:
    """Check that a rating log replays to its rows and to the current ratings, bit for bit.

    Args:
        log: one season, as `db.queries.rating_log` returns it.
        current: (mu, sigma) by member id.
    """
    failures = []
    row = first_difference(log)
    if row is not None:
        failures.append(f"the log's row {row.seq} (member {row.member_id}) replays differently")
    replayed = replay(log)
    failures += [
        f"member {member_id} has the rating {current.get(member_id)}, replayed {rating}"
        for member_id, rating in replayed.items()
        if current.get(member_id) != rating
    ]
    missing = sorted(current.keys() - replayed.keys())
    failures += [f"member {member_id} has a rating and no row in the log" for member_id in missing]
    return Outcome(len(log), tuple(failures))


def check_resume(train: Train, folder: Path, *, before: int = 2, after: int = 1) -> Outcome:
    """Check that a learner resumed from its checkpoint equals an unbroken one, bit for bit.

    Args:
        train: trains in a folder (from its newest checkpoint, else from the start) for so many
            updates, writes a checkpoint, and returns the whole state of the learner by name.
        folder: an empty folder.
        before: updates up to the stop.
        after: updates after it.
    """
    unbroken = train(folder / "unbroken", before + after)
    stopped = train(folder / "broken", before)
    resumed = train(folder / "broken", after)
    names = sorted(unbroken.keys() | resumed.keys())
    failures = [f"{name} differs" for name in names if not _same(unbroken, resumed, name)]
    if all(_same(unbroken, stopped, name) for name in names):
        failures.append("training after the stop changed nothing, so the case proves nothing")
    return Outcome(len(names), tuple(failures))


def _same(one: Mapping[str, NDArray[Any]], other: Mapping[str, NDArray[Any]], name: str) -> bool:
    return name in one and name in other and one[name].tobytes() == other[name].tobytes()
