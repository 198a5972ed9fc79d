"""Matches that begin in the middle: boards of a learner's own earlier matches, dealt anew.

A learner that always begins at tick 0 sees the late game only from where its present policy leads.
With a share above 0 some of its matches begin from a board that one of its whole matches passed
through: the land, troops, running attacks and memory of the neighbours are as they were, the random
streams are new, and so are the seats: the learner holds its part of the living, opponents that are
drawn now hold the others. Scripts and networks go on from what the board shows.

Promises: at share 0 nothing is drawn, kept or changed; boards come from whole matches alone, so
that no chain of resets leads away from the game; a match that began in the middle is rebuilt by a
resumed learner exactly, and counts for no opponent's score. Players whom the engine plays stay what
they were from the first tick on, so that boards with such players are not kept, and a match in the
middle has none.
"""

from __future__ import annotations

import itertools
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from agents.in_tick import term_of
from arena.lockstep import LiveMatch, Lockstep
from arena.match import LoadMap, MatchSpec, start_match, unpack_actions
from arena.territory.engine.engine import Engine
from arena.territory.engine.rules import MAX_SEATS
from arena.territory.observation.observation import make_scratch

Record = tuple[NDArray[np.uint8], ...]  # one uint8[seats] per decision

# As many as the checkpoints that others keep for it; a board of 128 x 128 takes some 0.4 MB.
N_BOARDS = 12
MIN_LIVING = 3  # fewer are a duel, whose end is near


@dataclass(frozen=True, eq=False)
class Board:
    """A board in the middle of a whole match.

    Attributes:
        spec: of that match; its agents are of no account.
        record: the decisions that led here.
        engine: the board, which is never played on; its clones are.
    """

    spec: MatchSpec
    record: Record
    engine: Engine

    @classmethod
    def replayed(cls, spec: MatchSpec, record: Record, load_map: LoadMap) -> Board:
        """Play the decisions of a match again, without its agents, and return the board."""
        match = start_match(spec, load_map, [None] * len(spec.agents))
        for decision in record:
            match.advance(decision.astype(np.int64))
        return cls(spec, record, match.engine)

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` rebuilds it from."""
        return {
            "spec": self.spec.to_json(),
            "actions": pack(self.record),
            "n_decisions": len(self.record),
        }

    @classmethod
    def from_json(cls, saved: dict[str, Any], load_map: LoadMap) -> Board:
        """Rebuild a board by playing its decisions again."""
        return cls.replayed(MatchSpec.from_json(saved["spec"]), unpack(saved), load_map)


@dataclass(frozen=True, eq=False)
class Middle:
    """How a match began that did not begin at tick 0: on a board, with new random streams."""

    board: Board
    seed: int

    def put_into(self, match: LiveMatch) -> None:
        """Turn a match of the board's spec at tick 0 into one that stands in the middle."""
        match.engine = self.board.engine.clone(self.seed)
        match.scratch = make_scratch(match.engine.state, self.board.spec.views)
        match.seed = self.seed
        match.record = list(self.board.record)
        match.n_decisions = len(match.record)

    @classmethod
    def resumed(
        cls, saved: dict[str, Any], spec: MatchSpec, record: Record, load_map: LoadMap
    ) -> tuple[Middle | None, Record]:
        """Return how a match of a checkpoint began, and the decisions that it has played since."""
        if "middle" not in saved:
            return None, record
        at = saved["middle"]["at"]
        board = Board.replayed(spec, record[:at], load_map)
        return cls(board, saved["middle"]["seed"]), record[at:]

    def to_json(self) -> dict[str, int]:
        """Return what a checkpoint keeps beside the whole record of the match."""
        return {"at": len(self.board.record), "seed": self.seed}


class Middles:
    """The boards that matches may begin from, and when the running matches give one.

    Args:
        share: probability that a new match begins in the middle.
        n_slots: matches in lock-step.
        n_decisions: of the longest match.
    """

    def __init__(self, share: float, n_slots: int, n_decisions: int) -> None:
        self._share, self._n_decisions = share, n_decisions
        self.boards: deque[Board] = deque(maxlen=N_BOARDS)
        self._keep_at: list[int | None] = [None] * n_slots

    def draw(self, slot: int, rng: Generator) -> Middle | None:
        """Draw how a new match begins: from the middle, or, None, from its start.

        Of one that begins at its start also draws at which decision its board is kept.
        """
        if self._share == 0.0:
            return None
        self._keep_at[slot] = None
        if self.boards and rng.random() < self._share:
            board = self.boards[int(rng.integers(len(self.boards)))]
            return Middle(board, int(rng.integers(2**62)))
        self._keep_at[slot] = int(rng.integers(1, max(2, self._n_decisions)))
        return None

    def keep(self, slot: int, spec: MatchSpec, match: LiveMatch) -> None:
        """Keep the board of a match if this is the decision that was drawn for it."""
        if self._keep_at[slot] != match.n_decisions:
            return
        self._keep_at[slot] = None
        if match.has_minds:
            return
        if not match.engine.is_over and int(match.living.sum()) >= MIN_LIVING:
            self.boards.append(Board(spec, tuple(match.record), match.engine.clone(None)))

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint keeps; {} at share 0."""
        if self._share == 0.0:
            return {}
        boards = [board.to_json() for board in self.boards]
        return {"middles": {"boards": boards, "keep_at": self._keep_at}}

    def set_state(self, state: dict[str, Any], load_map: LoadMap) -> None:
        """Go on from `state`; without one of them no board is kept yet."""
        saved = state.get("middles", {})
        self.boards.clear()
        if self._share > 0.0:
            self.boards.extend(Board.from_json(each, load_map) for each in saved.get("boards", ()))
        n_slots = len(self._keep_at)
        self._keep_at = list(saved.get("keep_at", [])) if self._share > 0.0 else []
        self._keep_at += [None] * (n_slots - len(self._keep_at))


def deal(
    board: Board,
    k: int,
    learner: str,
    draw: Callable[[int, Generator], Sequence[str]],
    rng: Generator,
) -> MatchSpec | None:
    """Return the spec of a match on a board: the learner's k seats and the opponents of the others.

    None if those who are drawn are all members whom the engine plays (agents.in_tick).

    Of the living seats the learner holds its part, k of all seats, rounded, but one at least; its
    others are dead ones.

    Args:
        learner: agent spec of its own seats.
        draw: returns the agent specs of so many other seats.
    """
    living = board.engine.tiles > 0  # a clone's seats are its players
    order = rng.permutation(len(living))
    alive, dead = order[living[order]], order[~living[order]]
    n_own = max(1, round(len(alive) * k / len(living)))
    own = {*alive[:n_own].tolist(), *dead[: k - n_own].tolist()}
    drawn = draw(len(living) - k, rng)
    able = [spec for spec in drawn if not term_of(spec)]
    if drawn and not able:
        return None
    others = itertools.cycle(able)
    agents = tuple(learner if seat in own else next(others) for seat in range(len(living)))
    return replace(board.spec, agents=agents)


def pack(record: Iterable[NDArray[np.uint8]]) -> str:
    """Pack decisions, DEAD seats included, as hexadecimal text."""
    return zlib.compress(b"".join(decision.tobytes() for decision in record)).hex()


def unpack(saved: dict[str, Any]) -> Record:
    """Return the decisions of {"spec", "actions", "n_decisions"}."""
    n = int(saved["n_decisions"])
    n_seats = len(saved["spec"]["agents"])
    found = unpack_actions(bytes.fromhex(saved["actions"]), n * n_seats).reshape(n, n_seats)
    return tuple(found.astype(np.uint8))


def play_again(
    lockstep: Lockstep,
    actions: NDArray[np.int64],
    slot: int,
    record: Iterable[NDArray[np.uint8]],
) -> None:
    """Play the decisions of a match in its slot again, asking agents that keep a memory.

    Args:
        actions: int64[slots * MAX_SEATS], of the Lockstep; overwritten.
    """
    base = slot * MAX_SEATS
    for decision in record:
        lockstep.refresh()
        lockstep.ask_agents(actions, only_with_memory=True)
        actions[base : base + len(decision)] = decision
        lockstep.advance(actions)
