"""Every statement on the league database, as typed functions that take a session.

They take plain values and return frozen records (`db.records`); the caller owns the transaction
(`db.session.write_transaction`, `read_transaction`).
"""

from db.queries.journal import add_event, get_league_value, list_events, set_league_value
from db.queries.learners import (
    add_training_results,
    learner_by_name,
    list_learners,
    record_progress,
    record_snapshot,
    training_totals,
    upsert_learner,
)
from db.queries.matches import (
    get_match,
    list_matches,
    mark_started,
    match_seats,
    plan_match,
    record_failed,
    record_finished_match,
    requeue_interrupted,
    set_aside,
)
from db.queries.members import (
    add_member,
    ancestors,
    count_failure,
    get_member,
    list_members,
    member_by_name,
    members_by_snapshot,
    resolve_member,
    set_status,
)
from db.queries.ratings import (
    append_rating,
    common_placements,
    latest_rating,
    latest_ratings,
    lock_rating_log,
    next_rating_seq,
    rating_log,
    rating_moments,
)
from db.queries.removal import remove_member, rename_member, traces_of_member
from db.queries.repair import (
    UnfinishedResult,
    find_unfinished_results,
    heal_unfinished_results,
)
from db.queries.report import (
    match_counts,
    matches_by_status,
    member_totals,
    rating_log_is_gap_free,
    recent_matches,
    throughput,
)

__all__ = [
    "UnfinishedResult",
    "add_event",
    "add_member",
    "add_training_results",
    "ancestors",
    "append_rating",
    "common_placements",
    "count_failure",
    "find_unfinished_results",
    "get_league_value",
    "get_match",
    "get_member",
    "heal_unfinished_results",
    "latest_rating",
    "latest_ratings",
    "learner_by_name",
    "list_events",
    "list_learners",
    "list_matches",
    "list_members",
    "lock_rating_log",
    "mark_started",
    "match_counts",
    "match_seats",
    "matches_by_status",
    "member_by_name",
    "member_totals",
    "members_by_snapshot",
    "next_rating_seq",
    "plan_match",
    "rating_log",
    "rating_log_is_gap_free",
    "rating_moments",
    "recent_matches",
    "record_failed",
    "record_finished_match",
    "record_progress",
    "record_snapshot",
    "remove_member",
    "rename_member",
    "requeue_interrupted",
    "resolve_member",
    "set_aside",
    "set_league_value",
    "set_status",
    "throughput",
    "traces_of_member",
    "training_totals",
    "upsert_learner",
]
