"""Owns the JSON of `league report --payoff`: plain values whose keys other programs may rely on."""

from __future__ import annotations

import math
from typing import Any

from league.rating.contradictions import Contradiction
from league.report.payoff import PayoffState


def payoff_document(state: PayoffState) -> dict[str, Any]:
    """Return {"members", "games", "beat_rates", ...}; rows and columns in the order of members.

    Rates, placements and intervals are shares from 0 to 1; a pair without common matches has null.
    """
    low, high = state.beats.intervals()
    games = state.beats.games
    names = state.names

    def shares(matrix: Any) -> list[list[float | None]]:
        return [
            [float(x) if n > 0 and math.isfinite(x) else None for x, n in zip(*row, strict=True)]
            for row in zip(matrix, games, strict=True)
        ]

    return {
        "at": state.at.isoformat(),
        "matches": state.n_matches,
        "line_ups": state.n_line_ups,
        "design_effect": state.beats.design_effect,
        "members": [
            {
                "name": names.get(row.member_id, "?"),
                "rank": row.standing.rank,
                "mu": row.standing.mu,
                "clone_proof_rank": row.clone_proof_rank,
                "clone_proof": row.clone_proof,
                "mixture": row.weight,
                "placements": counts.tolist(),
            }
            for row, counts in zip(state.ranking, state.placements, strict=True)
        ],
        "games": games.astype(int).tolist(),
        "beat_rates": shares(state.beats.rates),
        "beat_rates_low": shares(low),
        "beat_rates_high": shares(high),
        "cycles": [[names.get(i, "?") for i in cycle] for cycle in state.cycles],
        "places_1_and_2": None
        if state.flip is None
        else {
            "first": names.get(state.flip.first, "?"),
            "second": names.get(state.flip.second, "?"),
            "matches_to_remove": state.flip.n_matches,
            "matches_of_either": state.flip.n_common,
            "is_rerated": state.flip.is_rerated,
        },
        "contradictions": [
            _contradiction(state, row)
            for row in (*state.contradictions, *state.pits)
            if row.is_sure
        ],
        "head_to_heads": [_contradiction(state, row) for row in state.pits],
    }


def _contradiction(state: PayoffState, row: Contradiction) -> dict[str, Any]:
    return {
        "source": row.source,
        "first": state.names.get(row.first, "?"),
        "second": state.names.get(row.second, "?"),
        "n": row.n,
        "predicted": row.predicted,
        "predicted_half_width": row.predicted_half_width,
        "seen": row.seen,
        "interval": [row.low, row.high],
        "contradicts": row.is_sure,
    }
