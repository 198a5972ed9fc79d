"""Owns the JSON of `league report`: plain values whose keys other programs may rely on."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from league.report.champion import champion_document
from league.report.state import LearnerRow, MemberRow, ReportState


def report_document(state: ReportState) -> dict[str, Any]:
    """Return {"matches", "members", "learners", ...}; members by rank, the unrated ones last."""
    return {
        "matches": state.n_matches,
        "members": [_member(row) for row in state.members],
        "learners": [_learner(row) for row in state.learners],
        "latest_matches": [
            {
                "id": row.id,
                "finished_at": row.finished_at.isoformat(),
                "map": row.map,
                "podium": list(row.podium),
                "ticks": row.ticks,
                "wall_s": row.wall_s,
            }
            for row in state.matches
        ],
        "arena": {
            "finished": state.arena.finished,
            "planned": state.arena.planned,
            "running": state.arena.running,
            "failed": state.arena.failed,
            "window_s": state.arena.window_s,
            "matches_per_s": state.arena.matches_per_s,
            "ticks_per_s": state.arena.ticks_per_s,
        },
        **champion_document(state.champion, state.canaries),
        "events": [
            {
                "at": event.at.isoformat(),
                "kind": event.kind,
                "level": event.level,
                "message": event.message,
            }
            for event in state.events
        ],
        "game": state.game or "territory",
        "win": None
        if state.win_share is None
        else {"share": state.win_share, "of": state.win_land},
        "disk": [
            {
                "what": row.kind,
                "bytes": row.measured,
                "budget": row.budget,
                "pruned": row.n_pruned,
                "pruned_bytes": row.pruned_bytes,
                "pruned_at": None if row.pruned_at is None else row.pruned_at.isoformat(),
            }
            for row in state.budgets
        ],
        "at": state.at.isoformat(),
        "rules_sha256": state.rules_sha256,
        "pause": None if state.pause is None else state.pause.to_json(),
        "waiting": dict(state.waiting),
        "rating_version": state.rating_version,
        "run": None if state.run is None else state.run.to_json(state.at),
        "held_out": list(state.held_out),
        "slow_members": None if state.slow is None else state.slow.to_json(),
    }


def _member(row: MemberRow) -> dict[str, Any]:
    return {
        "name": row.name,
        "family": row.family,
        "role": row.role,
        "status": row.status,
        "mu": row.mu,
        "sigma": row.sigma,
        "conservative": row.conservative,
        "interval": _interval(row),
        "design_effect": row.design_effect,
        "line_ups": row.line_ups,
        "rank": row.rank,
        "rank_low": row.rank_low,
        "rank_high": row.rank_high,
        "tier": row.tier,
        "matches": row.matches,
        "wins": row.wins,
        "mean_placement": row.mean_placement,
        "first": None if row.first is None else row.first.p,
        "first_interval": None if row.first is None else [row.first.low, row.first.high],
        "first_matches": 0 if row.first is None else row.first.matches,
        "trained_decisions": row.trained_decisions,
        "snapshot": row.snapshot,
        "taught_by": row.taught_by,
        "relation_mask": row.relation_mask,
        "held_out": None if row.held_out is None else asdict(row.held_out),
    }


def _interval(row: MemberRow) -> list[float] | None:
    """Return the 95 % interval of mu; None for the anchor of the scale and before a rating."""
    if row.mu is None or row.half_width is None:
        return None
    return [row.mu - row.half_width, row.mu + row.half_width]


def _learner(row: LearnerRow) -> dict[str, Any]:
    return {
        "name": row.name,
        "family": row.family,
        "role": row.role,
        "status": row.status,
        "generation": row.generation,
        "trained_decisions": row.trained_decisions,
        "decisions_per_s": row.decisions_per_s,
        "latest_member": row.latest_member,
        "heartbeat_age_s": row.heartbeat_age_s,
        "progress": dict(row.progress),
        "meets": None if row.meets is None else row.meets.to_json(),
    }
