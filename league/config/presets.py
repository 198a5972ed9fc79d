"""Owns the presets: values that a new league starts with where nobody says otherwise."""

from __future__ import annotations

from typing import Any

from league.config.tree import ANCHORS, HELD_OUT, NATIONS

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


# The game of 2026 among nations. A city pays from the first minutes on and decides after them:
# matches are twice as long as those of `small`. Of the nations the easy and the medium are there
# from the start, the next when a learner has passed the one before; `nation` has the mind of the
# strongest on everybody's terms, and shows how far there is to go.
REAL: dict[str, Any] = {
    "preset": "real",
    "rules": {"edition": "2026", "max_ticks": 3_000},
    "rating": {
        "anchors": [*ANCHORS, "diplomat", "bot", "nation", *NATIONS[:2]],
        "ladder": list(NATIONS),
    },
    # One seat alone among nine of a kind, who is to win: a team of five learns to come second.
    # The game takes most of the time there, so that each decision is learned from more often
    # (docs/learning.md, "Among nations").
    "learner": {
        "n_matches": 96,
        "seats_per_match": 1,
        "one_opponent_share": 1.0,
        "ladder_share": 0.75,
        "n_epochs": 8,
        "gamma": 0.996,
        "gae_lambda": 0.9,
        "schedule_decisions": 3_000_000,
        "averaging_window": 200_000,
        "reward": {"team_share": 0.0, "first": 2.0},
    },
}


# What new leagues have beyond the preset's values. A league.toml that does not name a key is of an
# older league, which goes on as it was.
_NEW: dict[str, Any] = {"rating": {"held_out": list(HELD_OUT)}}
# What won at equal processor time (docs/learning.md): networks of the scalars and neighbours learn
# four times as many decisions a second, and a lineage is at its level after a million.
_NEW_SMALL: dict[str, Any] = {
    **_NEW,
    "learner": {
        "relation_mask": "on",
        "ent_coef": 0.0,
        "ent_coef_end": "off",
        "snapshot_every": 400_000,
    },
}
NEW_LEAGUE: dict[str, dict[str, Any]] = {
    "small": _NEW_SMALL,
    "classic": _NEW,
    "real": _NEW_SMALL,
}


def preset_values(name: str) -> dict[str, Any]:
    """Return the nested values in which a preset differs from the defaults, those of `small`."""
    return dict({"classic": CLASSIC, "real": REAL}.get(name, {"preset": "small"}))
