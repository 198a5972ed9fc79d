"""Section 6: is training healthy, and where does the time go."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from league.page import series
from league.page.chart import NARROW, Chart, Line, line_chart, stacked_chart
from league.page.facts import PageFacts, Training
from league.page.section import Section
from league.page.words import number, percent

# What a chart each is drawn of: (number of an update, what it is called).
CURVES = (
    ("placement_mean", "mean place in training"),
    ("reward_mean", "reward"),
    ("decisions_per_s", "decisions per second"),
    ("loss", "loss"),
    ("value_loss", "value loss"),
    ("explained_variance", "explained variance"),
    ("entropy", "entropy"),
    ("kl", "KL divergence"),
    ("clip_share", "share of clipped ratios"),
)
AXIS_LABELS = {"decisions": "trained decisions", "minutes": "minutes since the first start"}
# PPO's usual signs of trouble. Sources: the values that stable-baselines3 documents as healthy, and
# docs/learning.md for what this game's runs show.
LEAST_EXPLAINED, MOST_CLIPPED, LEAST_ENTROPY = 0.2, 0.4, 0.1


def training(facts: PageFacts) -> Section:
    """Return the section."""
    trained = [each for each in facts.trainings if each.updates]
    start = facts.curves.first_start
    return Section(
        "training",
        "Training",
        "Is training healthy, and where does the time go?",
        answer(facts),
        {
            "charts": {
                axis: [
                    found
                    for key, title in CURVES
                    if (found := curve(trained, key, title, axis, start)) is not None
                ]
                for axis in series.AXES
            },
            "phases": {
                axis: [(each.name, phases(facts, each, axis)) for each in trained]
                for axis in series.AXES
            },
            "names": [each.name for each in trained],
        }
        if trained
        else {},
    )


def curve(
    trained: Sequence[Training], key: str, title: str, axis: str, start: datetime | None
) -> Chart | None:
    """Draw one number of all learners; None if none of them has it."""
    lines = []
    for colour, each in enumerate(trained):
        points = series.series(series.lasting(each.updates), key, axis, start)
        if points:
            lines.append(Line(each.name, points, colour))
    return line_chart(
        lines,
        f"{title} against {AXIS_LABELS[axis]}",
        size=NARROW,
        x_label=AXIS_LABELS[axis],
        y_label=title,
        with_legend=False,
    )


def phases(facts: PageFacts, each: Training, axis: str) -> Chart | None:
    """Draw what share of the time each phase of an update takes; its snapshots are lines."""
    start = facts.curves.first_start
    xs, bins = series.binned(series.lasting(each.updates), axis, start)
    shares = [series.phase_shares(updates) for updates in bins]
    kept = [at for at, share in enumerate(shares) if share]
    marks = [
        (row.name, float(row.trained_decisions) if axis == "decisions" else row.minutes)
        for lineage in facts.curves.lineages
        if lineage.name == each.name
        for row in lineage.snapshots
    ]
    return stacked_chart(
        [xs[at] for at in kept],
        [(phase, [shares[at][phase] for at in kept]) for phase in series.PHASES],
        f"Share of time by phase: {each.name}",
        x_label=AXIS_LABELS[axis],
        size=(NARROW[0], 210),
        marks=marks,
    )


def answer(facts: PageFacts) -> str:
    """Say of each learner how it stands, what looks wrong, and where the time goes."""
    trained = [each for each in facts.trainings if each.updates]
    if not trained:
        return "No update of a learner is stored."
    return " ".join(_of_learner(each) for each in trained[:4])


def _of_learner(each: Training) -> str:
    updates = series.lasting(each.updates)
    before, now = (mean(updates, "placement_mean") for mean in (series.head_mean, series.tail_mean))
    place = ""
    if before is not None and now is not None:
        place = f"mean place {number(before)} at first and {number(now)} now, "
    wrong = signs(each)
    health = f"but {', '.join(wrong)}" if wrong else "no sign of trouble"
    shares = series.phase_shares(updates)
    most = max(shares, key=lambda phase: shares[phase]) if shares else None
    spent = (
        ""
        if most is None
        else f"; {percent(shares[most])} of its time goes to {_PHASE_WORDS[most]}"
    )
    return f"{each.name}: {place}{health}{spent}."


_PHASE_WORDS = {
    "update": "the update of the network",
    "policy": "its own choices",
    "env": "the game",
    "observation": "observations",
    "opponents": "the opponents",
    "other": "everything else",
}


def signs(each: Training) -> list[str]:
    """Return what looks wrong in the last tenth of a learner's updates."""
    updates = series.lasting(each.updates)
    explained, clipped, entropy = (
        series.tail_mean(updates, key) for key in ("explained_variance", "clip_share", "entropy")
    )
    found = []
    if explained is not None and explained < LEAST_EXPLAINED:
        found.append(f"its values explain little (explained variance {number(explained)})")
    if clipped is not None and clipped > MOST_CLIPPED:
        found.append(f"its updates are large ({percent(clipped)} of ratios clipped)")
    if entropy is not None and entropy < LEAST_ENTROPY:
        found.append(f"its choices are nearly certain (entropy {number(entropy)})")
    rolled = sum(float(u.numbers.get("rolled_back", 0.0)) > 0 for u in each.updates)
    if rolled:
        found.append(f"{rolled:,} of {len(each.updates):,} updates drawn here were rolled back")
    return found
