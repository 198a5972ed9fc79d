"""The head of the screen, two lines of the run as a whole; and its foot, one line of keys."""

from __future__ import annotations

from rich.text import Text

from league.plain_text import visible
from league.report.usage_text import usage_words
from league.screen.lines import bar, cut, duration, joined, page_of, sentence
from league.screen.state import Look, ScreenState

_PHASE_STYLES = {
    "starting": "bold yellow",
    "running": "bold green",
    "stopping": "bold yellow",
    "stopped": "bold",
    "stale": "bold red",
}


def head_lines(state: ScreenState, width: int) -> list[Text]:
    """Draw the two lines of the head."""
    return page_of(
        [joined(_run(state, width), width), joined(_machine(state, width), width)], width, 2
    )


def _run(state: ScreenState, width: int) -> list[Text | str]:
    """Return name, time run and left, and counts, the most important first."""
    report = state.report
    run = None if report is None else report.run
    word = Text.assemble(
        (" " + cut(state.league, min(len(state.league), 20)), "bold"),
        "  ",
        (state.phase, _PHASE_STYLES[state.phase]),
    )
    pieces: list[Text | str] = [word]
    if report is None or run is None or state.phase in ("starting", "stopping"):
        pieces.append(Text(sentence(state.says, width - word.cell_len - 2), "yellow"))
    if report is None:
        return pieces
    if run is not None and run.began_at is not None and state.phase != "starting":
        end = state.at if state.phase in ("running", "stopping") else run.heartbeat_at or state.at
        ran = (end - run.began_at).total_seconds()
        pieces[0] = word.append(f" {duration(ran):<6}")
        if run.ends_at is not None and state.phase == "running":
            left = max(0.0, (run.ends_at - state.at).total_seconds())
            pieces.append(f"stops in {duration(left):<6}")
            share = ran / max((run.ends_at - run.began_at).total_seconds(), 1e-9)
            pieces.append(f"▕{bar(share, 12)}▏{100 * min(share, 1.0):>3.0f} %")
    pieces += [
        f"{report.arena.matches_per_s:.1f} matches/s",
        f"{report.n_matches:,} rated",
        f"{len(report.members)} members",
    ]
    return pieces


def _machine(state: ScreenState, width: int) -> list[Text | str]:
    """Return troubles first, then failures, then the use of the machine."""
    report = state.report
    if report is None:
        return []
    pieces: list[Text | str] = []
    if report.pause is not None:
        pieces.append(Text(sentence(report.pause, width - 1), "bold red"))
    pieces += [Text(f"{visible(name)} waits", "yellow") for name in sorted(report.waiting)]
    failing = [row.key for row in report.canaries if row.status == "failing"]
    pieces += [Text(f"canary {visible(key)} fails", "bold red") for key in failing]
    alarms = "alarm" if state.n_alarms == 1 else "alarms"
    counts = [(report.arena.failed, "failed"), (state.n_alarms, alarms)]
    pieces += [Text(f"{n} {what}", "bold red") for n, what in counts if n]
    pieces += usage_words({} if report.run is None else report.run.usage)
    pieces += [f"{n} {what}" for n, what in counts if not n]
    if report.champion is not None:
        pieces.append(f"champion {visible(report.champion.name)}")
    if pieces:
        pieces[0] = Text.assemble(" ", pieces[0])
    return pieces


_KEYS = (
    *("q leave", "s stop", "1-7 enlarge", "tab next", "/ find", "enter open", "w watch"),
    *("l log", "f alarms", "r report", "t theme", "? help"),
)
_KEYS_ENLARGED = ("esc all panels", *_KEYS)


def foot_line(state: ScreenState, look: Look, width: int) -> Text:
    """Draw the foot: keys, what is being typed, or what the last key did."""
    if look.is_typing:
        return joined([Text.assemble(("/", "bold"), visible(look.find), ("▏", "bold"))], width)
    if look.message:
        return joined([Text(sentence(look.message, width), "bold")], width)
    keys = list(_KEYS if look.enlarged is None and look.member_id is None else _KEYS_ENLARGED)
    must_see = [keys.pop(keys.index("? help"))]
    pieces = [_key(key) for key in keys]
    last = _key(must_see[0])
    room = width - last.cell_len - 2
    return Text.assemble(joined(pieces, room), "  ", last)


def _key(text: str) -> Text:
    key, _, word = text.partition(" ")
    return Text.assemble((key, "bold"), (f" {word}", "dim"))
