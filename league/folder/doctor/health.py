"""Checks of the league's life: learners, alarms, play, the disk and the clock."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

from db import queries
from league.folder.doctor.findings import Case, Finding, several

# A first start compiles, and the first match of a large map takes minutes.
SILENT_AFTER = timedelta(minutes=5)
ALARMS_OF = timedelta(days=1)
LOW_BYTES = 200_000_000
SHORT_HOURS = 24.0
CLOCK_TOLERANCE = timedelta(minutes=1)


def check_learners(case: Case) -> Finding:
    """Look for learners that were given up, have died, or have not reported for long."""
    bad = []
    if case.pause is not None:
        return Finding("note", f"learners: they wait while the league is {case.pause}")
    waiting = (queries.get_league_value(case.session, "daemon") or {}).get("waiting") or {}
    learners = queries.list_learners(case.session)
    wanted = (case.stored or {}).get("learners", [])
    names = {entry["name"] for entry in wanted}
    for learner in learners:
        if case.running_since is None or learner.name not in names:
            continue
        silent = case.now - max(learner.heartbeat_at, case.running_since)
        if learner.status in ("stopped", "failed"):
            bad.append(f"{learner.name} was given up; see logs/, then stop and start the league")
        elif learner.name in waiting:
            bad.append(f"{learner.name} waits for the machine: {waiting[learner.name]}")
        elif silent > SILENT_AFTER:
            bad.append(f"{learner.name} has not reported for {_minutes(silent)}")
    if bad:
        return several("WRONG", f"learners: {len(bad)} of {len(names)} do not train", bad)
    if case.running_since is None:
        broken = [learner.name for learner in learners if learner.status != "stopped"]
        if broken:
            return several("note", "learners: the league did not end by a stop", broken)
        return Finding("ok", f"learners: {len(learners)}, stopped with the league")
    return Finding("ok", f"learners: {len(names)} train")


def check_alarms(case: Case) -> Finding:
    """List the alarms of the last day, except those about members that play again."""
    alarms = queries.open_alarms(case.session, case.now - ALARMS_OF)
    kept = {m.name: m.status for m in case.members if m.status in ("quarantined", "suspended")}
    lines = [f"{name} is {status}" for name, status in sorted(kept.items())]
    lines += [alarm.message for alarm in alarms]
    if not lines:
        return Finding("ok", "alarms: none in the last day")
    return several("note", f"alarms: {len(lines)} open", lines)


def check_play(case: Case) -> Finding:
    """See that a league whose daemon runs finishes matches."""
    if case.running_since is None:
        return Finding("ok", "play: the league is not running")
    if case.pause is not None:
        since = "" if case.pause.since is None else f" since {case.pause.since:%Y-%m-%d %H:%M} UTC"
        return Finding("note", f"play: {case.pause}{since}; it goes on when this is over")
    if case.now - case.running_since < SILENT_AFTER:
        return Finding("ok", f"play: running since {case.running_since:%H:%M:%S} UTC")
    sign = queries.league_value_time(case.session, "daemon")
    if sign is None or case.now - sign > SILENT_AFTER:
        since = "its start" if sign is None else f"{sign:%Y-%m-%d %H:%M} UTC"
        return Finding("WRONG", f"play: the daemon has shown no sign of life since {since}")
    last = queries.newest_times(case.session).get("finished match")
    playing = int((queries.get_league_value(case.session, "daemon") or {}).get("n_playing", 0))
    silent = case.now - max(last or case.running_since, case.running_since)
    if silent > SILENT_AFTER and playing == 0:
        return Finding(
            "WRONG",
            f"play: the daemon runs, but nothing is playing and no match has finished for "
            f"{_minutes(silent)}; see logs/league.log and `league members`",
        )
    if silent > SILENT_AFTER:
        return Finding("note", f"play: {playing} matches run, none finished for {_minutes(silent)}")
    return Finding("ok", f"play: {playing} matches run")


def check_disk(case: Case) -> Finding:
    """Compare the free space with what the league added in the last hour."""
    free = shutil.disk_usage(case.folder.root).free
    per_hour = _added_bytes(case, timedelta(hours=1))
    text = f"disk: {free / 1e9:.1f} GB free, {per_hour / 1e6:.1f} MB added in the last hour"
    if free < LOW_BYTES:
        return Finding("WRONG", f"{text}; free some space: a full disk pauses the league")
    hours = free / per_hour if per_hour else float("inf")
    if hours < SHORT_HOURS:
        return Finding("note", f"{text}: full in {hours:.0f} h at this pace")
    return Finding("ok", text)


def _added_bytes(case: Case, window: timedelta) -> float:
    oldest = (case.now - window).timestamp()
    folder = case.folder
    added = sum(
        _size_since(path, oldest)
        for place in (folder.replays, folder.snapshots, folder.logs, folder.backups)
        for path in (place.iterdir() if place.is_dir() else ())
    )
    recent = queries.throughput(case.session, window.total_seconds(), now=case.now).matches
    share = recent / len(case.replays) if case.replays else 0.0
    return added + share * queries.database_bytes(case.session)


def _size_since(path: Path, oldest: float) -> int:
    try:
        found = path.stat()
    except OSError:
        return 0  # removed meanwhile
    return found.st_size if found.st_mtime >= oldest else 0


def check_clock(case: Case) -> Finding:
    """Look for times that this machine has not reached yet."""
    ahead = {
        what: at - case.now
        for what, at in queries.newest_times(case.session).items()
        if at - case.now > CLOCK_TOLERANCE
    }
    if not ahead:
        return Finding("ok", "clock: nothing is dated in the future")
    details = [f"the newest {what} by {_minutes(by)}" for what, by in ahead.items()]
    return several(
        "WRONG", f"clock: rows are ahead of {case.now:%Y-%m-%d %H:%M} UTC, set the clock", details
    )


def _minutes(span: timedelta) -> str:
    return f"{span.total_seconds() / 60:.0f} minutes"
