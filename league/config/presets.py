"""Owns the presets: values that a new league starts with where nobody says otherwise."""

from __future__ import annotations

from typing import Any

from league.config.tree import HELD_OUT

CLASSIC: dict[str, Any] = {
    "preset": "classic",
    "rules": {"max_ticks": 6_000, "ticks_per_decision": 10},
    "maps": {
        "train": [
            "generated:continents:1024x1024:0-31",
            "generated:highlands:1024x1024:0-15",
            "generated:lakes:1024x1024:0-15",
        ],
        "rate": [
            "generated:continents:1024x1024:1000-1007",
            "generated:highlands:1024x1024:1000-1003",
            "generated:lakes:1024x1024:1000-1003",
        ],
    },
    "views": {"global_size": 128, "local_size": 128, "tactical_size": 64},
    "network": {"preset": "classic"},
    # An observation takes 0.37 MB, so that a rollout holds only 2,048 of them; matches are longer,
    # and so is the horizon.
    "learner": {
        "n_matches": 4,
        "n_steps": 2_048,
        "batch_size": 256,
        "gamma": 0.998,
        "gae_lambda": 0.95,
        "wait_bias": 5.0,
        "snapshot_every": 100_000,
    },
    # A match takes minutes: the results of a larger batch would come too late.
    "arena": {"matches_per_worker": 4},
}


# What new leagues have beyond the preset's values. A league.toml that does not name a key is of an
# older league, which goes on as it was.
_NEW: dict[str, Any] = {"rating": {"held_out": list(HELD_OUT)}}
NEW_LEAGUE: dict[str, dict[str, Any]] = {
    # What won at equal processor time (docs/learning.md): networks of the scalars and neighbours
    # learn four times as many decisions a second, and a lineage is at its level after a million.
    "small": {
        **_NEW,
        "learner": {
            "relation_mask": "on",
            "ent_coef": 0.0,
            "ent_coef_end": "off",
            "snapshot_every": 400_000,
        },
    },
    "classic": _NEW,
}


def preset_values(name: str) -> dict[str, Any]:
    """Return the nested values in which a preset differs from the defaults, those of `small`."""
    return dict(CLASSIC) if name == "classic" else {"preset": "small"}
