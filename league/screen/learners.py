"""Panel 3: how each learner is doing; and panel 4: whom it meets, and whom it must beat."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.text import Text

from league.plain_text import visible
from league.report.screen import FAMILY_STYLES
from league.report.state import LearnerRow
from league.screen.beats import short_names
from league.screen.lines import (
    Column,
    bar,
    duration,
    joined,
    own_spark,
    page_of,
    sentence,
    table,
    wrapped,
)
from league.screen.state import Look, ScreenState, Training

_LABEL, _BLOCK = 11, 31  # columns of the labels, and least ones of a learner
_FEW_LINES = 6  # below so many a learner has two lines
_ALL_LINES = 9  # of a learner
_CURVES = (
    ("place", "placement_mean", ".2f"),
    ("reward", "reward_mean", ".2f"),
    ("entropy", "entropy", ".2f"),
    ("value loss", "value_loss", ".4f"),
)
_PHASES = ("update", "policy", "env", "observation", "opponents", "other")
_NO_TRAINING = Training()


def learners_lines(state: ScreenState, look: Look, width: int, height: int) -> list[Text]:
    """Draw the learners side by side, or in two lines each where there are few lines."""
    learners = () if state.report is None else state.report.learners
    if not learners:
        return page_of([Text("no learner is in this league", "dim")], width, height)
    if height < _FEW_LINES:
        lines = []
        for learner in _rotated(learners, look.learner):
            lines += _two_lines(learner, state.training.get(learner.name, _NO_TRAINING), width)
        return page_of(lines, width, height)
    n = max(min((width - _LABEL) // _BLOCK, len(learners)), 1)
    block = (width - _LABEL) // n
    shown = _rotated(learners, look.learner)[:n]
    blocks = [
        _block(learner, state.training.get(learner.name, _NO_TRAINING), block - 1)
        for learner in shown
    ]
    labels = ["", "decisions", "held out", *(label for label, _, _ in _CURVES), "update", "time"]
    if not any(training.held_out for training in state.training.values()):
        del labels[2]
        for lines_of in blocks:
            del lines_of[2]
    elif height < _ALL_LINES:  # the place says nearly what the reward does
        at = labels.index("reward")
        del labels[at]
        for lines_of in blocks:
            del lines_of[at]
    if len(learners) > n:
        labels[0] = f"{len(learners) - n} more ◀▶"
    lines = [
        Text.assemble((f"{label:<{_LABEL}}", "dim"), *(Text.assemble(part, " ") for part in parts))
        for label, *parts in zip(labels, *blocks, strict=True)
    ]
    if height < len(lines):  # the phases say more than the update's diagnostics
        lines = lines[: height - 1] + lines[-1:]
    return page_of(lines, width, height)


def _rotated(learners: tuple[LearnerRow, ...], first: int) -> list[LearnerRow]:
    at = first % len(learners)
    return [*learners[at:], *learners[:at]]


def _block(learner: LearnerRow, training: Training, width: int) -> list[Text]:
    """Return the lines of one learner, each in exactly `width` columns."""
    numbers = learner.progress
    lines = [joined(_name(learner, width), width), joined(_decisions(learner, training), width)]
    lines.append(joined(_held_out(training, width), width, " "))
    for _, key, form in _CURVES:
        value = f"{_figure(numbers.get(key), form):>7}"
        extra = ""
        if key == "value_loss":
            extra = f" expl. {_figure(numbers.get('explained_variance'), '.2f')}"
        curve = own_spark(training.curves.get(key, ()), max(width - len(value) - 1 - len(extra), 4))
        lines.append(joined([value, curve, extra.strip()], width, " "))
    lines.append(
        joined(
            [
                f"kl {_figure(numbers.get('kl'), '.3f')}",
                f"clip {_percent(numbers.get('clip_share'))}",
                f"grad {_figure(numbers.get('grad_norm'), '.2f')}",
                f"lr {_figure(numbers.get('learning_rate'), '.1e')}",
            ],
            width,
        )
    )
    lines.append(joined(_phases(numbers), width, " "))
    return lines


def _two_lines(learner: LearnerRow, training: Training, width: int) -> list[Text]:
    numbers = learner.progress
    place = own_spark(training.curves.get("placement_mean", ()), 12)
    first = [
        joined(_name(learner, 24), 24),
        *_decisions(learner, training),
        f"entropy {_figure(numbers.get('entropy'), '.2f')}",
        f"kl {_figure(numbers.get('kl'), '.3f')}",
    ]
    second: list[Text | str] = [
        " " * 3 + f"place {_figure(numbers.get('placement_mean'), '.2f')} {place}",
        f"reward {_figure(numbers.get('reward_mean'), '.2f')}",
        *_phases(numbers)[:3],
    ]
    return [joined(first, width), joined(second, width)]


def _name(learner: LearnerRow, width: int) -> list[Text | str]:
    """Return the learner's name, and what is the matter with it if something is."""
    style = f"bold {FAMILY_STYLES.get(learner.family, '')}"
    pieces: list[Text | str] = [Text(visible(learner.name), style)]
    if learner.waits_for is not None:
        room = width - len(visible(learner.name)) - 2
        pieces.append(Text(sentence(f"waits: {learner.waits_for}", room), "yellow"))
    elif learner.is_silent:
        pieces.append(Text(f"silent {duration(learner.heartbeat_age_s)}", "bold red"))
    elif learner.status != "running":
        pieces.append(visible(learner.status))
    return pieces


def _held_out(training: Training, width: int) -> list[Text | str]:
    """Return the newest held-out score of the lineage, and its line over all snapshots."""
    scores = training.held_out
    if not scores:
        return [f"{'-':>7}"]
    value = f"{100 * scores[-1]:.0f} %"
    return [f"{value:>7}", own_spark(scores, max(width - 8, 4))]


def _decisions(learner: LearnerRow, training: Training) -> list[Text | str]:
    pieces: list[Text | str] = [f"{learner.trained_decisions:>9,}"]
    speed = learner.decisions_per_s
    if speed is not None:
        pieces.append(f"{speed:>5,.0f}/s")
    if training.left is not None and speed and learner.status == "running":
        pieces.append(Text(f"next {duration(training.left / speed):>6}", "dim"))
    return pieces


def _phases(numbers: Mapping[str, Any]) -> list[Text | str]:
    """Return the shares of an update's time, the largest first."""
    spent = {key: float(numbers.get(f"seconds_{key}") or 0.0) for key in _PHASES}
    total = sum(spent.values())
    if total <= 0:
        return []
    ordered = sorted(spent.items(), key=lambda item: -item[1])
    names = {"observation": "obs", "opponents": "opp"}
    return [f"{names.get(key, key)} {100 * s / total:.0f} %" for key, s in ordered if s > 0]


def _figure(value: object, form: str) -> str:
    return format(value, form) if isinstance(value, int | float) else "-"


def _percent(value: object) -> str:
    return f"{100 * value:.0f} %" if isinstance(value, int | float) else "-"


def meets_lines(state: ScreenState, look: Look, width: int, height: int) -> list[Text]:
    """Draw whom one learner may meet and why, and what its next snapshot needs."""
    learners = () if state.report is None else state.report.learners
    if not learners:
        return page_of([Text("no learner is in this league", "dim")], width, height)
    learner = _rotated(learners, look.learner)[0]
    training = state.training.get(learner.name, _NO_TRAINING)
    needs = _needs(training, width)
    head = Text.assemble(
        (visible(learner.name), f"bold {FAMILY_STYLES.get(learner.family, '')}"),
        ("" if len(learners) == 1 else "  ◀▶ others", "dim"),
    )
    if learner.meets is None:
        nothing = Text("it has not said yet whom it meets", "dim")
        return page_of([head, nothing, *needs], width, height)
    wave = ["self" if name is None else name for name in learner.meets.wave]
    pieces = [head, Text(f"wave {' '.join(short_names(tuple(wave)))}", "dim")]
    rows = max(height - 2 - len(needs), 1)
    foes = learner.meets.foes[:rows]
    longest = max((foe.share for foe in foes), default=1.0) or 1.0

    def shares(wide: int) -> list[Text]:
        return [Text(bar(foe.share / longest, wide), "cyan") for foe in foes]

    columns = [
        Column("foe", [Text(visible(foe.name)) for foe in foes], left=True, least=10, is_name=True),
        Column("x", [f"{foe.x:.2f}" for foe in foes], least=4),
        Column("share", [f"{100 * foe.share:.0f} %" for foe in foes], least=5),
        Column("", shares, left=True, least=4, most=16),
        Column("games", [f"{training.games.get(foe.name, 0):,}" for foe in foes], least=5),
    ]
    lines = [joined(pieces, width), *table(columns, width, ("", "games"))]
    return page_of([*lines[: height - len(needs)], *needs], width, height)


def _needs(training: Training, width: int) -> list[Text]:
    """Return a line or two on whom an earlier snapshot must beat; none if that is not known."""
    if not training.needs:
        return []
    names = short_names(tuple(need.name for need in training.needs))
    pieces: list[Text | str] = [Text(f"must beat {100 * training.win_rate:.0f} %:", "dim")]
    for need, name in zip(training.needs, names, strict=True):
        share = f"{100 * need.beats / need.games:.0f} % of {need.games}" if need.games else "unmet"
        pieces.append(f"{name} {share}")
    return wrapped(pieces, width)[:2]
