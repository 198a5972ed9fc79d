"""The opponents of a learner in its training matches, by its role.

Pure functions of numbers and an explicit numpy.random.Generator: no I/O, no clock. The weights are
those of prioritised fictitious self-play (Vinyals et al., Nature 2019, supplement).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from league.errors import MatchmakingError

FloatArray = NDArray[np.float64]

HOPELESS_X = 0.05  # below it the variance weight is constant: hopeless opponents are still met
P_SELF_PLAY, P_HARD = 0.35, 0.50  # the rest of the main's seats (15 %) is verification
P_ANCHOR = 0.75  # of the hard draws: among dozens of snapshots the few anchors would hardly be met
EXPLOITER_BEATEN_X = 0.3  # a former exploiter below this x needs verification
ANCESTOR_FORGOTTEN_X = 0.7  # an ancestor below this x may have been forgotten
MAIN_IN_REACH_X = 0.1  # above it a main exploiter plays the main itself
N_OTHERS = 9  # copies of a rung that a learner's seat shall come first among
N_RING = 12  # newest snapshots of a lineage that make its ring


@dataclass(frozen=True)
class Foe:
    """A member that a learner may meet; x is the learner's probability of beating it.

    `own_ancestor`: a snapshot of the learner's own lineage. `current_main`: the newest snapshot of
    the main that an exploiter trains against. `main_ancestor`: an older snapshot of that main.
    `is_rung`: on the league's ladder (league.matchmaking.ladder).
    """

    member_id: int
    x: float
    role: str = "main"
    own_ancestor: bool = False
    current_main: bool = False
    main_ancestor: bool = False
    is_rung: bool = False


def chance_of_first(x: FloatArray) -> FloatArray:
    """Return float64 [n]: P(first among N_OTHERS equals), each of whom is beaten with P = x.

    As TrueSkill has it: performances are normal, of the same spread for all.
    """
    normal, n_nodes = NormalDist(), 64
    own = [normal.inv_cdf((i + 0.5) / n_nodes) for i in range(n_nodes)]
    leads = [2**0.5 * normal.inv_cdf(min(max(float(each), 1e-9), 1.0 - 1e-9)) for each in x]
    return np.array([fmean(normal.cdf(u + lead) ** N_OTHERS for u in own) for lead in leads])


def weights_rung(x: FloatArray) -> FloatArray:
    """Return the variance weight of the first place among N_OTHERS of a rung, float64 [n].

    Who beats a rung in nine of ten cases is first among nine of it in half of the matches.
    """
    return weights_variance(chance_of_first(x))


def weights_hard(x: FloatArray) -> FloatArray:
    """Return (1 - x)^2 of float64 [n]: the stronger the opponent, the larger its weight."""
    return (1.0 - x) ** 2


def weights_variance(x: FloatArray) -> FloatArray:
    """Return x (1 - x) of float64 [n]: largest for equals, constant below x = 0.05."""
    held = np.maximum(x, HOPELESS_X)
    return held * (1.0 - x.clip(HOPELESS_X, 1.0))


def weights_capped_linear(x: FloatArray) -> FloatArray:
    """Return min(1/2, 1 - x) of float64 [n]: equal for all opponents that are not beaten yet."""
    return np.minimum(0.5, 1.0 - x)


def probabilities(weights: FloatArray) -> FloatArray:
    """Return float64 [n] that sums to 1; uniform if all weights underflow or one is not finite.

    A learner that always beats everybody has weight 0 for all: dividing by that sum gave NaN in
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
    p_ring: float = 0.0,
    p_rung: float = 0.0,
) -> list[int | None]:
    """Draw an opponent for each of `n_seats` seats of a training match; None is self-play.

    `p_ring` is a main's share of its own newest snapshots (`ring`), as soon as there are any; of
    the other draws `p_self_play` are self-play, hard draws and verification share the rest 10 : 3.
    Before all that, `p_rung` is a main's share of the ladder's rungs, if there are any: those most
    often of whom nine are about as likely to be passed by all as not (`weights_rung`).

    Each seat draws independently and keeps its opponent to the end. Without `foes` all seats are
    self-play.

    Raises:
        MatchmakingError: the role does not train.
    """
    rules: dict[str, Callable[[Sequence[Foe], Generator], int | None]] = {
        "main": lambda foes, rng: _draw_for_main(foes, rng, p_self_play, p_ring, p_rung),
        "main_exploiter": _draw_for_main_exploiter,
        "league_exploiter": _draw_for_league_exploiter,
    }
    if role not in rules:
        raise MatchmakingError(f"expected the role of a learner ({', '.join(rules)}), found {role}")
    if not foes:
        return [None] * n_seats
    return [rules[role](foes, rng) for _ in range(n_seats)]


def _draw(
    foes: Sequence[Foe], weights: Callable[[FloatArray], FloatArray], rng: Generator
) -> int | None:
    x = np.array([foe.x for foe in foes], dtype=np.float64)
    return foes[int(rng.choice(len(foes), p=probabilities(weights(x))))].member_id


def ring(foes: Sequence[Foe]) -> list[Foe]:
    """Return the learner's own newest snapshots, at most N_RING: a member's id grows with its age.

    Who plays against what it was does not circle through the same few strategies (peak, then
    drift): what it forgets is taken from it again.
    """
    own = sorted((foe for foe in foes if foe.own_ancestor), key=lambda foe: foe.member_id)
    return own[-N_RING:]


def _draw_for_main(
    foes: Sequence[Foe], rng: Generator, p_self_play: float, p_ring: float, p_rung: float
) -> int | None:
    """Draw: by default 35 % self-play, 50 % hard (mostly anchors), 15 % verification."""
    rungs = [foe for foe in foes if foe.is_rung] if p_rung else []
    if rungs and rng.random() < p_rung:
        return _draw(rungs, weights_rung, rng)
    own = ring(foes) if p_ring else []
    if own and rng.random() < p_ring:
        return own[int(rng.integers(len(own)))].member_id
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
    """Draw the current main while it is in reach, else one of its ancestors."""
    mains = [foe for foe in foes if foe.current_main]
    ancestors = [foe for foe in foes if foe.main_ancestor]
    in_reach = [foe for foe in mains if foe.x > MAIN_IN_REACH_X]
    if in_reach:
        return in_reach[int(rng.integers(len(in_reach)))].member_id
    # Before the main has ancestors, its exploiter meets it anyway; without a main, the whole pool.
    return _draw(ancestors or mains or foes, weights_variance, rng)


def _draw_for_league_exploiter(foes: Sequence[Foe], rng: Generator) -> int | None:
    """Draw from the whole pool with capped linear weights."""
    return _draw(foes, weights_capped_linear, rng)


def draw_shares(
    role: str,
    foes: Sequence[Foe],
    *,
    p_self_play: float = P_SELF_PLAY,
    p_ring: float = 0.0,
    p_rung: float = 0.0,
) -> dict[int, float]:
    """Return the probability of each foe in one draw of `draw_opponents`, by member id.

    Foes that cannot be drawn are absent; what is missing to 1 is self-play.

    Raises:
        MatchmakingError: the role does not train.
    """
    shares: dict[int, float] = {}

    def add(p: float, among: Sequence[Foe], weights: Callable[[FloatArray], FloatArray]) -> None:
        x = np.array([foe.x for foe in among], dtype=np.float64)
        for foe, share in zip(among, p * probabilities(weights(x)), strict=True):
            shares[foe.member_id] = shares.get(foe.member_id, 0.0) + float(share)

    if role not in ("main", "main_exploiter", "league_exploiter"):
        raise MatchmakingError(f"expected the role of a learner, found {role}")
    if not foes:
        return shares
    if role == "league_exploiter":
        add(1.0, foes, weights_capped_linear)
    elif role == "main_exploiter":
        mains = [foe for foe in foes if foe.current_main]
        in_reach = [foe for foe in mains if foe.x > MAIN_IN_REACH_X]
        ancestors = [foe for foe in foes if foe.main_ancestor]
        if in_reach:
            add(1.0, in_reach, np.ones_like)
        else:
            add(1.0, ancestors or mains or foes, weights_variance)
    else:
        p_others = 1.0
        if p_rung and (rungs := [foe for foe in foes if foe.is_rung]):
            add(p_rung, rungs, weights_rung)
            p_others -= p_rung
        if p_ring and (own := ring(foes)):
            add(p_others * p_ring, own, np.ones_like)
            p_others -= p_others * p_ring
        p_hard = p_others * (1.0 - p_self_play) * P_HARD / (1.0 - P_SELF_PLAY)
        p_verification = p_others * (1.0 - p_self_play) - p_hard
        anchors = [foe for foe in foes if foe.role == "anchor"]
        add(p_hard * P_ANCHOR, anchors or foes, weights_hard)
        add(p_hard * (1.0 - P_ANCHOR), foes, weights_hard)
        exploiters = [f for f in foes if f.role.endswith("exploiter") and f.x < EXPLOITER_BEATEN_X]
        forgotten = [f for f in foes if f.own_ancestor and f.x < ANCESTOR_FORGOTTEN_X]
        if exploiters:
            add(p_verification, exploiters, weights_hard)
        elif forgotten:
            add(p_verification, forgotten, weights_variance)
    return shares
