"""Who plays whom: line-ups of rating matches, opponents of training matches, snapshot decisions.

Pure functions of numbers and an explicit numpy.random.Generator: no I/O, no clock. Each draw's
docstring says what it promises; the weights are those of prioritised fictitious self-play
(Vinyals et al., Nature 2019, supplement).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from league.errors import MatchmakingError
from league.ratings import BETA

FloatArray = NDArray[np.float64]

# Below this share of the pool's mean games a member is starving and goes first.
FLOOR_SHARE = 0.5
# The reach is BETA * 2^u, u uniform in this range: from 2 to 33 points, so that most line-ups are
# even and some span the league, which ties the scale together.
REACH_LOG2 = (-1.0, 3.0)
P_LEAST_PLAYED = 0.5  # else the most uncertain member goes first

HOPELESS_X = 0.05  # below it the variance weight is held, so that hopeless foes are still met
P_SELF_PLAY, P_HARD = 0.35, 0.50  # the rest of the main's seats (15 %) is verification
P_ANCHOR = 0.75  # of the hard draws: among dozens of snapshots the few anchors would be forgotten
EXPLOITER_BEATEN_X = 0.3  # a former exploiter below this x needs verification
ANCESTOR_FORGOTTEN_X = 0.7  # an ancestor below this x may have been forgotten
MAIN_IN_REACH_X = 0.1  # above it a main exploiter plays the main itself
P_LEAGUE_EXPLOITER_RESET = 0.25


@dataclass(frozen=True)
class Candidate:
    """An active member that may be drawn for a rating match; `games` are its rated ones."""

    member_id: int
    mu: float
    sigma: float
    games: int
    anchor: bool = False


@dataclass(frozen=True)
class Foe:
    """A member that a learner may meet; x = the learner's probability to beat it.

    `own_ancestor`: of the learner's lineage. `current_main`: the newest snapshot of the main that
    an exploiter is after. `main_ancestor`: an older snapshot of that main.
    """

    member_id: int
    x: float
    role: str = "main"
    own_ancestor: bool = False
    current_main: bool = False
    main_ancestor: bool = False


@dataclass(frozen=True)
class RequiredFoe:
    """Games of the learner's current weights against a foe that a snapshot must beat."""

    name: str
    games: int
    beats: float


@dataclass(frozen=True)
class SnapshotDecision:
    """Whether to take a snapshot now, and the sentence for the journal."""

    take: bool
    reason: str


LineUp = tuple[tuple[int, bool], ...]  # (member_id, rated) per seat


def choose_line_up(
    candidates: Sequence[Candidate],
    n_seats: int,
    rng: Generator,
    *,
    floor_share: float = FLOOR_SHARE,
) -> LineUp:
    """The members of one rating match, in random seat order.

    First comes the member that needs games most: the least played one below `floor_share` of the
    mean, else the least played or the most uncertain one, by a coin. Further starving members take
    up to half of the seats, the others are drawn near the first by mu with a random reach. At
    least one anchor plays when the pool has one. With fewer members than seats, members take
    further seats that are not rated, as evenly as possible.

    Raises:
        MatchmakingError: fewer than two members or seats.
    """
    if len(candidates) < 2 or n_seats < 2:
        raise MatchmakingError(
            f"a rating match needs 2 members and 2 seats, found {len(candidates)} active members "
            f"and {n_seats} seats; add members with `league members add`"
        )
    games = np.array([c.games for c in candidates], dtype=np.float64)
    jitter = rng.random(len(candidates))  # breaks ties without favouring low ids
    by_games = np.lexsort((jitter, games))
    starving = [int(i) for i in by_games if games[i] < floor_share * games.mean()]
    if starving:
        first = starving[0]
    elif rng.random() < P_LEAST_PLAYED:
        first = int(by_games[0])
    else:
        first = int(np.lexsort((jitter, np.array([-c.sigma for c in candidates])))[0])
    chosen = [first, *[i for i in starving if i != first]][: max(1, n_seats // 2)]
    order = _near(candidates, first, rng)
    chosen += [i for i in order if i not in chosen][: n_seats - len(chosen)]
    if not any(candidates[i].anchor for i in chosen):
        anchors = [i for i in order if candidates[i].anchor]
        if anchors:  # the last one drawn has the weakest claim to its seat
            chosen[-1] = anchors[0]
    seats = [(candidates[i].member_id, True) for i in chosen]
    while len(seats) < n_seats:
        extra = rng.permutation(chosen)[: n_seats - len(seats)]
        seats += [(candidates[i].member_id, False) for i in extra]
    return tuple(seats[i] for i in rng.permutation(n_seats))


def choose_line_ups(
    candidates: Sequence[Candidate],
    n_seats: int,
    n_matches: int,
    rng: Generator,
    *,
    share: int = 1,
    floor_share: float = FLOOR_SHARE,
) -> list[LineUp]:
    """Line-ups of `n_matches` matches; `share` matches in a row seat the same members anew.

    The cost of a match is that of its distinct networks: matches of one line-up, played together,
    share one forward pass per member and decision.

    Raises:
        MatchmakingError: as `choose_line_up`.
    """
    line_ups: list[LineUp] = []
    for i in range(n_matches):
        if i % share == 0:
            drawn = choose_line_up(candidates, n_seats, rng, floor_share=floor_share)
        else:
            drawn = tuple(line_ups[-1][seat] for seat in rng.permutation(n_seats))
        line_ups.append(drawn)
    return line_ups


def weights_hard(x: FloatArray) -> FloatArray:
    """(1 - x)^2 of float64 [n]: the stronger the foe, the more often."""
    return (1.0 - x) ** 2


def weights_variance(x: FloatArray) -> FloatArray:
    """x (1 - x) of float64 [n], equals first; held below x = 0.05 at its value there."""
    held = np.maximum(x, HOPELESS_X)
    return held * (1.0 - x.clip(HOPELESS_X, 1.0))


def weights_capped_linear(x: FloatArray) -> FloatArray:
    """min(1/2, 1 - x) of float64 [n]: everybody who is not beaten yet, alike."""
    return np.minimum(0.5, 1.0 - x)


def probabilities(weights: FloatArray) -> FloatArray:
    """float64 [n] that sums to 1; uniform when all weights underflow or one is no number.

    A learner that beats everybody always has weight 0 for all: dividing by that sum gave NaN in
    two public leagues.
    """
    total = float(weights.sum())
    if not np.isfinite(total) or total < 1e-12:
        return np.full(len(weights), 1.0 / len(weights))
    return weights / total


def draw_opponents(
    role: str,
    foes: Sequence[Foe],
    n_seats: int,
    rng: Generator,
    *,
    p_self_play: float = P_SELF_PLAY,
) -> list[int | None]:
    """The opponent of each of `n_seats` seats of a training match; None is self-play.

    `p_self_play` is a main's; hard draws and verification share the rest 10 : 3.

    Every seat draws for itself and keeps its opponent to the end. Without any foe all seats are
    self-play.

    Raises:
        MatchmakingError: a role that does not train.
    """
    rules: dict[str, Callable[[Sequence[Foe], Generator], int | None]] = {
        "main": lambda foes, rng: _draw_for_main(foes, rng, p_self_play),
        "main_exploiter": _draw_for_main_exploiter,
        "league_exploiter": _draw_for_league_exploiter,
    }
    if role not in rules:
        raise MatchmakingError(f"expected the role of a learner ({', '.join(rules)}), found {role}")
    if not foes:
        return [None] * n_seats
    return [rules[role](foes, rng) for _ in range(n_seats)]


def snapshot_decision(
    required: Sequence[RequiredFoe],
    decisions_since: int,
    *,
    snapshot_every: int,
    kl: float | None = None,
    min_kl: float = 0.01,
    win_rate: float = 0.7,
    min_games: int = 30,
) -> SnapshotDecision:
    """Whether a learner should be frozen into a new member now.

    Yes when it beats each required foe (its parent, the champion, the best anchor) above
    `win_rate` over at least `min_games` games, or after `snapshot_every` trained decisions; but
    not while its policy hardly differs from its parent's.

    Args:
        kl: mean KL divergence (nats) from the parent on a fixed observation set; None without a
            parent or before it is measured.
    """
    beaten = bool(required) and all(
        foe.games >= min_games and foe.beats > win_rate * foe.games for foe in required
    )
    if not beaten and decisions_since < snapshot_every:
        waiting = [
            f"{foe.name} {foe.beats:g}/{foe.games}"
            for foe in required
            if foe.games < min_games or foe.beats <= win_rate * foe.games
        ]
        reason = f"{decisions_since} of {snapshot_every} decisions; not beaten yet: "
        return SnapshotDecision(False, reason + (", ".join(waiting) or "no required foe"))
    if kl is not None and kl < min_kl:
        return SnapshotDecision(
            False, f"the policy hardly differs from its parent's (KL {kl:.4f} below {min_kl:g})"
        )
    if beaten:
        names = ", ".join(foe.name for foe in required)
        return SnapshotDecision(True, f"beats {names} above {win_rate:g}")
    return SnapshotDecision(True, f"{decisions_since} decisions since the last snapshot")


def reset_after_snapshot(role: str, rng: Generator) -> str:
    """What a learner goes on from after a snapshot: "keep", "fresh" or "early_ancestor".

    A main keeps its weights; a main exploiter always starts again, so that it finds new holes; a
    league exploiter does so one time in four.
    """
    if role == "main_exploiter":
        return "fresh" if rng.random() < 0.5 else "early_ancestor"
    if role == "league_exploiter" and rng.random() < P_LEAGUE_EXPLOITER_RESET:
        return "fresh"
    return "keep"


def _near(candidates: Sequence[Candidate], first: int, rng: Generator) -> list[int]:
    """All other candidates in a random order that prefers those near `first` by mu.

    Sorting log-weights plus Gumbel noise draws without replacement in proportion to the weights,
    and cannot underflow.
    """
    reach = BETA * 2.0 ** rng.uniform(*REACH_LOG2)
    distance = np.array([c.mu for c in candidates]) - candidates[first].mu
    keys = -0.5 * (distance / reach) ** 2 + rng.gumbel(size=len(candidates))
    return [int(i) for i in np.argsort(-keys) if i != first]


def _draw(
    foes: Sequence[Foe], weights: Callable[[FloatArray], FloatArray], rng: Generator
) -> int | None:
    x = np.array([foe.x for foe in foes], dtype=np.float64)
    return foes[int(rng.choice(len(foes), p=probabilities(weights(x))))].member_id


def _draw_for_main(foes: Sequence[Foe], rng: Generator, p_self_play: float) -> int | None:
    """By default 35 % self-play, 50 % hard (most of it among anchors), 15 % verification."""
    if rng.random() < p_self_play:
        return None
    if rng.random() < P_HARD / (1.0 - P_SELF_PLAY):
        anchors = [foe for foe in foes if foe.role == "anchor"]
        among_anchors = anchors and rng.random() < P_ANCHOR
        return _draw(anchors if among_anchors else foes, weights_hard, rng)
    exploiters = [f for f in foes if f.role.endswith("exploiter") and f.x < EXPLOITER_BEATEN_X]
    if exploiters:
        return _draw(exploiters, weights_hard, rng)
    forgotten = [f for f in foes if f.own_ancestor and f.x < ANCESTOR_FORGOTTEN_X]
    return _draw(forgotten, weights_variance, rng) if forgotten else None


def _draw_for_main_exploiter(foes: Sequence[Foe], rng: Generator) -> int | None:
    """The current main while it is in reach, else those of its ancestors that are."""
    mains = [foe for foe in foes if foe.current_main]
    ancestors = [foe for foe in foes if foe.main_ancestor]
    in_reach = [foe for foe in mains if foe.x > MAIN_IN_REACH_X]
    if in_reach:
        return in_reach[int(rng.integers(len(in_reach)))].member_id
    # Before the main has ancestors, its exploiter meets it anyway; without a main, the league.
    return _draw(ancestors or mains or foes, weights_variance, rng)


def _draw_for_league_exploiter(foes: Sequence[Foe], rng: Generator) -> int | None:
    """Capped linear over the whole league."""
    return _draw(foes, weights_capped_linear, rng)
