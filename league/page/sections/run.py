"""Section 10: can the results be trusted and repeated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from league.page.facts import PageFacts
from league.page.section import Section
from league.page.words import amount, counted, duration, moment, number

MOST_ALARMS = 30
HIDDEN = ("database.url",)  # it may hold a user, a password and a machine


def run(facts: PageFacts) -> Section:
    """Return the section."""
    changed = None if facts.settings is None else list(differences(facts.settings))
    alarms = [event for event in facts.events if event.level == "alarm"]
    counts = {
        level: sum(n for (found, _), n in facts.event_counts.items() if found == level)
        for level in ("alarm", "warning", "info")
    }
    kinds = [(kind, n) for (level, kind), n in facts.event_counts.items() if level != "info"]
    return Section(
        "run",
        "The run",
        "Can this be trusted, and repeated?",
        answer(facts, changed, counts["alarm"]),
        {
            "facts": list(_facts(facts)),
            "changed": changed or [],
            "preset": (facts.settings or {}).get("preset"),
            "alarms": alarms[:MOST_ALARMS],
            "n_alarms": counts["alarm"],
            "kinds": kinds,
            "versions": facts.versions,
            "canaries": facts.state.canaries,
            "champion": facts.state.champion,
            "moment": moment,
        },
    )


def answer(facts: PageFacts, changed: list[tuple[str, Any, Any]] | None, n_alarms: int) -> str:
    """Say how long it ran, how many settings are of its own, and whether there were alarms."""
    if changed is None:
        return "The league has not been started yet."
    ran = facts.state.run.running_s if facts.state.run else None
    parts = [
        f"ran {duration(ran)}" if ran is not None else "ran for a time that nobody counted",
        f"{counted(len(changed), 'setting')} {'differs' if len(changed) == 1 else 'differ'} from "
        f"the preset {facts.settings['preset'] if facts.settings else '?'}",
    ]
    failed = facts.state.arena.failed
    alarms = f"{counted(n_alarms, 'alarm')} and {counted(failed, 'failed match', 'failed matches')}"
    trouble = "no alarm and no failed match" if not n_alarms and not failed else alarms
    return f"The league {parts[0]}; {parts[1]}; there {_were(n_alarms, failed)} {trouble}."


def _were(n_alarms: int, failed: int) -> str:
    return "was" if n_alarms == 1 or not (n_alarms or failed) else "were"


def differences(settings: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Yield (key, value of the preset, value of the league) where they differ, in their order."""
    from league.config.layers import resolve

    preset = resolve(settings.get("preset") or "small").to_json()
    yield from _differences("", preset, settings)


def _differences(key: str, ours: Any, theirs: Any) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        for name in theirs:
            if name in ours:
                yield from _differences(f"{key}.{name}".lstrip("."), ours[name], theirs[name])
        return
    if ours != theirs:
        yield (key, ours, "set" if key in HIDDEN and theirs is not None else theirs)


def _facts(facts: PageFacts) -> Iterator[tuple[str, str]]:
    """Yield what is known of run and machine: (what, value)."""
    state, found = facts.state, facts.state.run
    yield "Report made", f"{moment(facts.at)}, on {facts.about_machine or 'an unknown machine'}"
    if found is not None:
        usage = found.usage
        yield "Newest start", moment(found.began_at)
        yield "Running time of all starts", duration(found.running_s)
        if usage:
            memory = f"{amount(usage.get('memory_bytes'))} of {amount(usage.get('memory_total'))}"
            yield (
                "Use of the machine",
                f"{number(usage.get('cpu_percent'), 0)} % of a core ({usage.get('cores')} cores), "
                f"memory {memory}, disk {amount(usage.get('disk_bytes'))}",
            )
            gpus = [str(gpu.get("name")) for gpu in usage.get("gpus") or []]
            yield "GPU", ", ".join(gpus) or "none"
    arena = state.arena
    yield "Rated matches", f"{arena.finished:,} finished, {arena.failed:,} failed"
    yield "Rules", (state.rules_sha256 or "-")[:16]
    yield "Ratings", state.rating_version or "-"
    if facts.settings is not None:
        yield "Seed", str(facts.settings.get("seed"))
    deaths = sum(n for (_, kind), n in facts.event_counts.items() if kind == "learner_died")
    yield "Learners that died and began again", str(deaths)
