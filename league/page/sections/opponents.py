"""Section 7: whom the learners met, and whether that was right."""

from __future__ import annotations

from dataclasses import dataclass

from league.page import series
from league.page.chart import Chart, stacked_chart
from league.page.facts import PageFacts, Training
from league.page.section import Section
from league.page.sections.training import AXIS_LABELS
from league.page.words import number, percent
from league.report.now import FoeRow, MeetsRow

MOST_LAYERS = 9  # foes drawn with a colour of their own
MOST_FOES = 15


@dataclass(frozen=True)
class Foe:
    """A foe of a learner: how it is drawn now, and how their games went.

    `x` is matchmaking's probability that the learner beats it, `share` that of one draw; None for
    one that is not drawn any more.
    """

    name: str
    x: float | None
    share: float | None
    games: int
    beat_rate: float | None


@dataclass(frozen=True)
class Opponents:
    """Whom one learner meets."""

    name: str
    charts: dict[str, Chart]
    foes: tuple[Foe, ...]
    wave: tuple[str, ...]


def opponents(facts: PageFacts) -> Section:
    """Return the section."""
    meets = {row.name: row.meets for row in facts.state.learners}
    found = [_of(facts, each, meets.get(each.name)) for each in facts.trainings]
    found = [each for each in found if each.charts or each.foes]
    return Section(
        "opponents",
        "Opponents",
        "Whom did the learners meet, and was that right?",
        answer(facts),
        {"learners": found, "percent": percent, "number": number} if found else {},
    )


def _of(facts: PageFacts, each: Training, meets: MeetsRow | None) -> Opponents:
    charts = {axis: found for axis in series.AXES if (found := chart(facts, each, axis))}
    games = series.games_by_foe(each.updates)
    by_name = {facts.names.get(i, "?"): count for i, count in games.items()}
    drawn = {foe.name: foe for foe in (meets.foes if meets else ())}
    names = sorted(
        {*by_name, *drawn},
        key=lambda name: (
            -(drawn[name].share if name in drawn else 0.0),
            -by_name.get(name, (0,))[0],
        ),
    )
    return Opponents(
        each.name,
        charts,
        tuple(
            _foe(name, drawn.get(name), by_name.get(name, (0, 0.0))) for name in names[:MOST_FOES]
        ),
        tuple("itself" if name is None else name for name in (meets.wave if meets else ())),
    )


def _foe(name: str, drawn: FoeRow | None, games: tuple[int, float]) -> Foe:
    return Foe(
        name,
        drawn.x if drawn else None,
        drawn.share if drawn else None,
        games[0],
        games[1] / games[0] if games[0] else None,
    )


def chart(facts: PageFacts, each: Training, axis: str) -> Chart | None:
    """Draw the share of its games that a learner played against each foe, over its training."""
    xs, bins = series.binned(each.updates, axis, facts.curves.first_start)
    counts = [
        {foe: float(games) for foe, (games, _) in series.games_by_foe(updates).items()}
        for updates in bins
    ]
    kept = [at for at, count in enumerate(counts) if sum(count.values()) > 0]
    if not kept:
        return None
    total: dict[int, float] = {}
    for count in counts:
        for foe, games in count.items():
            total[foe] = total.get(foe, 0.0) + games
    shown = sorted(total, key=lambda foe: -total[foe])[:MOST_LAYERS]
    shares = series.shares_of([counts[at] for at in kept], shown)
    names = [*(facts.names.get(foe, "?") for foe in shown), "all others"]
    layers = list(zip(names, shares, strict=True))
    if max(shares[-1], default=0.0) < 1e-9:
        layers.pop()
    return stacked_chart(
        [xs[at] for at in kept],
        layers,
        f"Share of the games of {each.name} by opponent",
        x_label=AXIS_LABELS[axis],
        size=(720, 260),
    )


def answer(facts: PageFacts) -> str:
    """Say of each learner whom it met most, and who is hardest for it now."""
    said = []
    meets = {row.name: row.meets for row in facts.state.learners}
    for each in facts.trainings[:4]:
        games = series.games_by_foe(each.updates)
        total = sum(n for n, _ in games.values())
        if not total:
            continue
        most = max(games, key=lambda foe: games[foe][0])
        sentence = (
            f"{each.name} met {facts.names.get(most, '?')} most ({percent(games[most][0] / total)} "
            f"of its games, above it in {percent(games[most][1] / games[most][0])})"
        )
        known = meets.get(each.name)
        foes = [foe for foe in (known.foes if known else ()) if foe.share > 0]
        if foes:
            hardest = min(foes, key=lambda foe: foe.x)
            rank = 1 + sum(foe.share > hardest.share for foe in foes)
            favoured = (
                "the most drawn foe" if rank == 1 else f"number {rank} of {len(foes)} foes drawn"
            )
            sentence += (
                f"; its hardest foe now is {hardest.name} (x {number(hardest.x)}), {favoured} with "
                f"{percent(hardest.share)}"
            )
        said.append(f"{sentence}.")
    return " ".join(said) or "No learner has told yet whom it met."
