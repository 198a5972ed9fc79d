"""Owns the screen of `league report --payoff`: tables of at most 80 columns.

Promises: no number is ever cut: what does not fit beside goes into a further block of columns, and
names are shortened to leave the numbers whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.cells import cell_len, set_cell_size
from rich.console import Group, RenderableType
from rich.text import Text

from league.plain_text import visible
from league.rating.contradictions import Contradiction
from league.report.payoff import PayoffState

WIDTH = 80
_NAME = 16  # columns of a name beside its rank
_MOST_LISTED = 20  # of contradictions; the JSON has all


def payoff_screen(
    state: PayoffState, *, max_members: int | None = None, width: int = WIDTH
) -> RenderableType:
    """Return the whole page.

    Args:
        max_members: most members of the tables, the best ones; None shows all.
        width: columns of the terminal; tables take 80 at most and 40 at least.
    """
    n = len(state.ranking)
    shown = n if max_members is None else min(n, max_members)
    columns = min(max(width, 40), WIDTH)
    lines = [
        *_head(state),
        *_matrix(state, shown, columns),
        *_places(state, shown, columns),
        *_clone_proof(state, shown),
    ]
    if shown < n:
        lines += ["", f"and {n - shown} more members; --top {n} or --json shows them"]
    lines += [*_flip(state), *_cycles(state), *_contradictions(state), *_pits(state)]
    return Group(*(Text(line, style="bold" if _is_title(line) else "") for line in lines))


_TITLES = (
    "Who beats whom",
    "Places",
    "Clone-proof ranking",
    "Places 1 and 2",
    "Cycles",
    "Where the rating is not one number",
    "Head-to-heads against ratings",
)


def _is_title(line: str) -> bool:
    return line.startswith(_TITLES)


def _head(state: PayoffState) -> Iterator[str]:
    yield (
        f"League {visible(state.league)}: {len(state.ranking)} members, {state.n_matches} rated "
        f"matches of {state.n_line_ups} line-ups, {len(state.pits)} head-to-heads"
    )


def _label(state: PayoffState, at: int, width: int = _NAME) -> str:
    name = visible(state.names.get(state.ranking[at].member_id, "?"))
    return f"{at + 1:>3} {_fitted(name, width)}"


def _fitted(name: str, width: int) -> str:
    return name + " " * (width - cell_len(name)) if cell_len(name) <= width else _cut(name, width)


def _cut(name: str, width: int) -> str:
    return set_cell_size(name, width - 1) + "…"


def _blocks(
    state: PayoffState, heads: Sequence[str], rows: Sequence[Sequence[str]], columns: int
) -> Iterator[str]:
    """Yield the lines of a table, in blocks of as many columns as fit beside the names."""
    cell = max((len(text) for row in (heads, *rows) for text in row), default=1)
    name = max(min(_NAME, columns - 4 - (cell + 1)), 1)
    fit = max((columns - 4 - name) // (cell + 1), 1)
    for begin in range(0, len(heads), fit):
        part = slice(begin, begin + fit)
        yield " " * (4 + name) + "".join(f" {head:>{cell}}" for head in heads[part])
        for at, row in enumerate(rows):
            yield _label(state, at, name) + "".join(f" {text:>{cell}}" for text in row[part])


def _matrix(state: PayoffState, shown: int, columns: int) -> Iterator[str]:
    yield ""
    yield "Who beats whom: % of common matches with row above column (and their number)"
    rates, games = state.beats.rates, state.beats.games
    rows = [
        [
            "." if i == j else "-" if not games[i, j] else _rate(rates[i, j], games[i, j])
            for j in range(shown)
        ]
        for i in range(shown)
    ]
    yield from _blocks(state, [str(j + 1) for j in range(shown)], rows, columns)


def _rate(rate: float, games: float) -> str:
    return f"{100 * rate:.0f} ({games:.0f})"


def _places(state: PayoffState, shown: int, columns: int) -> Iterator[str]:
    counts = state.placements[:shown]
    yield ""
    yield "Places: % of matches"
    heads = ["matches", *(str(place + 1) for place in range(counts.shape[1]))]
    rows = []
    for row in counts:
        total = int(row.sum())
        rows.append([str(total), *(f"{100 * n / max(total, 1):.1f}" for n in row.tolist())])
    yield from _blocks(state, heads, rows, columns)


def _clone_proof(state: PayoffState, shown: int) -> Iterator[str]:
    yield ""
    yield "Clone-proof ranking: % beaten of the mixture that must be beaten"
    name = f"{'name':<{_NAME}}"
    yield f"{'rank':>4} {'by mu':>5}  {name} {'mu':>6} {'beats %':>7} {'in mixture %':>12}"
    ranked = sorted(
        state.ranking[:shown], key=lambda row: (row.clone_proof_rank, row.standing.rank)
    )
    for row in ranked:
        name = _fitted(visible(state.names.get(row.member_id, "?")), _NAME)
        weight = f"{100 * row.weight:.0f}" if row.weight > 0.005 else "-"
        yield (
            f"{row.clone_proof_rank:>4} {row.standing.rank:>5}  {name} {row.standing.mu:>6.2f} "
            f"{100 * row.clone_proof:>7.1f} {weight:>12}"
        )


def _flip(state: PayoffState) -> Iterator[str]:
    flip = state.flip
    if flip is None:
        return
    first, second = (visible(state.names.get(i, "?")) for i in (flip.first, flip.second))
    how = "rated again without them" if flip.is_rerated else "by their influence"
    yield ""
    yield "Places 1 and 2"
    if flip.n_matches is None:
        yield f"No removal of matches puts {second} above {first} ({how})."
        return
    share = 100 * flip.n_matches / max(state.n_matches, 1)
    yield (
        f"Without {flip.n_matches} of {state.n_matches} matches ({share:.2g} %) {second} would "
        f"stand above {first} ({how}; {flip.n_common} matches have one of them)."
    )


def _cycles(state: PayoffState) -> Iterator[str]:
    yield ""
    yield "Cycles (all together at 95 %)"
    if not state.cycles:
        yield "None found."
    for cycle in state.cycles:
        yield " > ".join(visible(state.names.get(i, "?")) for i in (*cycle, cycle[0]))


def _contradictions(state: PayoffState) -> Iterator[str]:
    yield ""
    yield "Where the rating is not one number: % of the first above the second, in matches"
    if state.contradictions:
        yield from _against_ratings(state, state.contradictions)
    else:
        yield "Nowhere: no pair's matches contradict its ratings (all pairs together at 95 %)."


def _pits(state: PayoffState) -> Iterator[str]:
    if state.pits:
        yield ""
        yield "Head-to-heads against ratings: % of the first above the second, in mirrored pairs"
        yield from _against_ratings(state, state.pits)


def _against_ratings(state: PayoffState, found: Sequence[Contradiction]) -> Iterator[str]:
    names = f"{'first':<{_NAME}} {'second':<{_NAME}}"
    yield f"{names} {'ratings':>11} {'seen':>5} {'95 % of all':>12} {'n':>7}"
    for row in found[:_MOST_LISTED]:
        first, second = (
            _fitted(visible(state.names.get(i, "?")), _NAME) for i in (row.first, row.second)
        )
        ratings = f"{100 * row.predicted:.1f} ±{100 * row.predicted_half_width:.1f}"
        interval = f"{100 * row.low:.1f}-{100 * row.high:.1f}"
        verdict = "differs" if row.is_sure else ""
        yield (
            f"{first} {second} {ratings:>11} {100 * row.seen:>5.1f} {interval:>12} {row.n:>7} "
            f"{verdict}"
        ).rstrip()
    if len(found) > _MOST_LISTED:
        yield f"and {len(found) - _MOST_LISTED} more; --json has all"
