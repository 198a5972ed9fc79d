"""How a lineage's place in mixed company changes with its age: snapshots against one company.

Of each lineage some snapshots are taken, from its beginning to its newest, closer together where
it learns fastest. Each plays the same number of matches in the same company (COMPANY: the five
scripts and both held-out strategists), on the same maps, seeds and seats, so that two ages of a
lineage, or two lineages, differ in the snapshot alone and may be compared seed by seed. A planner
plays there too, on request, in fewer matches: it is slow.

Promises: a league is only read; every seed that was played is kept in a folder of its own, and the
same command goes on, or only draws; what was played under other rules or maps is refused.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from arena.files import write_whole
from arena.foreign import ForeignFileError, parse_json, read_foreign
from arena.match import MatchSpec
from league.bench.company import COMPANY
from league.curves.lineages import Lineage, Rated, league_curves
from league.errors import BenchError, PitInterrupted
from league.folder.layout import LeagueFolder
from league.pit.log import Unit
from league.pit.mixed.plan import MixedPlan, mixed_plan
from league.pit.mixed.statistics import first_shares, mean_places
from league.pit.play import MakeArena, Play
from league.pit.sides import Side
from league.pit.table import Table, laid
from league.report.state import StateReader
from league.statistics.means import MeanInterval, t_interval

PLANNER = "planner"
FIRST_SEED = 1
_SPAN = 1_000_000  # seeds of a subject; unit u is seed u % _SPAN of subject u // _SPAN
_MAX_BYTES = 10_000_000

Tell = Callable[[str], None]
Played = dict[str, list[float]]  # "first" and the names of the company -> a value per seed


@dataclass(frozen=True)
class Asked:
    """What is played.

    Attributes:
        out: folder that keeps what was played.
        n_ages: snapshots of each lineage at most.
        n_matches: of each snapshot, rounded up to whole seeds of one match per name.
        planner_matches: of a planner, in the first league; 0 is none.
        n_workers: processes; None starts one per core.
    """

    out: Path
    n_ages: int = 6
    n_matches: int = 400
    planner_matches: int = 0
    n_workers: int | None = None


@dataclass(frozen=True)
class Age:
    """A snapshot, or the planner, and what its matches gave.

    Attributes:
        places, firsts: mean place and share of first places per seed.
        company: places of each name of the company in the same matches, per seed.
    """

    name: str
    trained_decisions: int
    minutes: float
    places: list[float]
    firsts: list[float]
    company: Mapping[str, list[float]]


@dataclass(frozen=True)
class LineageAges:
    """The ages of one lineage, youngest first."""

    league: str
    lineage: str
    family: str
    ages: tuple[Age, ...]


@dataclass(frozen=True)
class Found:
    """Everything that was played.

    Attributes:
        par: the mean place of equals.
        planner: None where none played.
    """

    lineages: tuple[LineageAges, ...]
    par: float
    planner: Age | None = None

    @property
    def company(self) -> dict[str, list[float]]:
        """Places of each name of the company per seed, means over the matches of all snapshots.

        All meet it on the same seeds, which makes the seed the unit here too.
        """
        ages = [age for lineage in self.lineages for age in lineage.ages]
        return {
            name: np.mean([age.company[name] for age in ages], axis=0).tolist() for name in COMPANY
        }

    def interval(self, places: list[float]) -> MeanInterval:
        """Return the 95 % interval of a mean place, by seed, cut to what places can be."""
        return t_interval(places).within(1.0, 2.0 * self.par - 1.0)


def chosen_ages(snapshots: Sequence[Rated], n: int) -> list[Rated]:
    """Return at most n snapshots from the first to the newest, denser where a lineage is young.

    The i-th of them is nearest to (i / (n - 1)) squared of the newest one's decisions: with six
    these are 0, 4, 16, 36, 64 and 100 %, so that the last but one is two thirds of the way.
    """
    rows = sorted(snapshots, key=lambda row: row.trained_decisions)
    if len(rows) <= n:
        return rows
    newest = rows[-1].trained_decisions
    wanted = [newest * (i / max(n - 1, 1)) ** 2 for i in range(n)] if n > 1 else [newest]
    near = [min(rows, key=lambda row: abs(row.trained_decisions - at)) for at in wanted]
    return sorted({row.name: row for row in near}.values(), key=lambda row: row.trained_decisions)


def run(
    leagues: Sequence[LeagueFolder],
    asked: Asked,
    tell: Tell = lambda _: None,
    *,
    arena: MakeArena | None = None,
) -> Found:
    """Play what is missing and return everything.

    Args:
        tell: called with a sentence after each seed.
        arena: makes the arena; None for processes of this machine.

    Raises:
        BenchError: no snapshot is there, or a folder holds what was played otherwise.
        PitInterrupted: it was interrupted; the same command goes on.
        LeagueError, AgentError, ArenaError, DatabaseError: it cannot be played.
    """
    found: list[LineageAges] = []
    planner: Age | None = None
    n_seats = 0
    names = [_league_name(leagues, folder) for folder in leagues]
    for i, (folder, name) in enumerate(zip(leagues, names, strict=True)):
        lineages = _lineages(folder)
        chosen = {each.name: chosen_ages(each.snapshots, asked.n_ages) for each in lineages}
        rows = [row for own in chosen.values() for row in own]
        n_planner = asked.planner_matches if i == 0 else 0
        out = asked.out / name
        league = _League(folder, out, asked, n_planner, tell)
        played, n_seats = league.play([row.name for row in rows], arena)
        for lineage in lineages:
            ages = tuple(
                _age(row.name, row.trained_decisions, row.minutes, played[row.name])
                for row in chosen[lineage.name]
            )
            found.append(LineageAges(name, lineage.name, lineage.family, ages))
        if n_planner:
            planner = _age(PLANNER, 0, 0.0, played[PLANNER])
    return Found(tuple(found), (n_seats + 1) / 2, planner)


def _league_name(leagues: Sequence[LeagueFolder], folder: LeagueFolder) -> str:
    """Return the name of a league's folder, with its parent's where two have the same."""
    roots = [each.root.resolve() for each in leagues]
    own = folder.root.resolve()
    alone = sum(root.name == own.name for root in roots) == 1
    return own.name if alone else f"{own.parent.name}-{own.name}"


def _lineages(folder: LeagueFolder) -> list[Lineage]:
    """Return the mains of a league that have trained, with the snapshots whose files are there."""
    with StateReader(folder) as reader:
        state = reader.read()
    files = {row.name: row.snapshot for row in state.members if row.snapshot is not None}
    found = []
    for lineage in league_curves(state).lineages:
        own = tuple(
            row
            for row in lineage.snapshots
            if (folder.snapshots / f"{files.get(row.name)}.safetensors").exists()
        )
        if lineage.role == "main" and own and own[-1].trained_decisions > 0:
            found.append(replace(lineage, snapshots=own))
    if not found:
        raise BenchError(
            f"{folder.root}: expected a main lineage with trained snapshots, found none; "
            "`league start` trains some"
        )
    return found


def _age(name: str, trained_decisions: int, minutes: float, played: Played) -> Age:
    own = dict(played)
    places, firsts = own.pop("place"), own.pop("first")
    return Age(name, trained_decisions, minutes, places, firsts, own)


@dataclass
class _Subject:
    """One who plays in the company: its plan, its file, what was played, what is missing."""

    name: str
    plan: MixedPlan
    path: Path
    n_seeds: int
    played: Played = field(default_factory=dict)

    @property
    def n_played(self) -> int:
        return len(self.played.get("place", ()))

    def read(self) -> None:
        """Take over what was played before."""
        if not self.path.exists():
            return
        try:
            saved = parse_json(read_foreign(self.path, _MAX_BYTES))
            key, played = saved["plan"], saved["played"]
        except (ForeignFileError, ValueError, TypeError, LookupError) as error:
            raise BenchError(
                f"{self.path}: expected matches of {self.name}: {error}; remove it to begin anew"
            ) from error
        if key != self.plan.series_key:
            raise BenchError(
                f"{self.path}: expected matches of {self.name} under these rules, maps and "
                "company, found others; name another --out, or remove it"
            )
        self.played = {name: list(values) for name, values in played.items()}

    def add(self, unit: Unit) -> None:
        """Take the next seed."""
        values = {
            "place": mean_places([unit], self.name)[0],
            "first": first_shares([unit], self.name)[0],
        }
        values |= {name: mean_places([unit], f"scripted:{name}")[0] for name in COMPANY}
        for name, value in values.items():
            self.played.setdefault(name, []).append(value)
        text = json.dumps({"plan": self.plan.series_key, "played": self.played})
        write_whole(self.path, (text + "\n").encode(), durable=False)

    def first(self) -> Played:
        """Return what the first `n_seeds` gave."""
        return {name: values[: self.n_seeds] for name, values in self.played.items()}


@dataclass(frozen=True)
class _Plans:
    """The plans of several subjects as one, so that one pool of workers plays all."""

    plans: tuple[MixedPlan, ...]

    @property
    def series_key(self) -> str:
        return "ages"  # nothing is stored under it

    @property
    def n_parts(self) -> int:
        return self.plans[0].n_parts

    @property
    def everybody(self) -> tuple[Side, ...]:
        return tuple(side for plan in self.plans for side in plan.everybody)

    def part_key(self, seed: int, part: int) -> tuple[str, int]:
        return self.plans[seed // _SPAN].part_key(seed % _SPAN, part)

    def labels(self, seed: int, part: int) -> tuple[str | None, ...]:
        return self.plans[seed // _SPAN].labels(seed % _SPAN, part)

    def line_up(self, seed: int, part: int) -> tuple[Side, ...]:
        return self.plans[seed // _SPAN].line_up(seed % _SPAN, part)

    def spec(self, seed: int, part: int) -> MatchSpec:
        return self.plans[seed // _SPAN].spec(seed % _SPAN, part)


class _League:
    """The subjects of one league."""

    def __init__(
        self, folder: LeagueFolder, out: Path, asked: Asked, n_planner: int, tell: Tell
    ) -> None:
        self._folder, self._out, self._asked, self._tell = folder, out, asked, tell
        self._n_planner = n_planner

    def play(self, names: Sequence[str], arena: MakeArena | None) -> tuple[dict[str, Played], int]:
        """Play the members of these names, and the planner; return what each gave, and seats."""
        asked = [*names, *(["planner:"] if self._n_planner else [])]
        company = [f"scripted:{name}" for name in COMPANY]
        with laid([*asked, *company], (), self._folder, stores=False) as table:
            subjects = self._subjects(table, len(asked))
            missing = [
                i * _SPAN + FIRST_SEED + n
                for i, subject in enumerate(subjects)
                for n in range(subject.n_played, subject.n_seeds)
            ]
            if missing:
                plans = _Plans(tuple(subject.plan for subject in subjects))
                play = Play(plans, missing, None, table.settings, self._asked.n_workers)
                play.until(_Take(subjects, missing, self._tell), arena)
                if play.interrupted:
                    raise PitInterrupted("interrupted; the same command goes on from here")
            n_seats = table.rules.n_seats
        return {subject.name: subject.first() for subject in subjects}, n_seats

    def _subjects(self, table: Table, n: int) -> list[_Subject]:
        self._out.mkdir(parents=True, exist_ok=True)
        sides, company = table.sides[:n], table.sides[n:]
        found = []
        for side in sides:
            is_planner = side.agent_spec.startswith("planner:")
            own = Side(PLANNER if is_planner else side.name, side.agent_spec)
            plan = mixed_plan((own, *company), table.maps, table.rules, table.views)
            matches = self._n_planner if is_planner else self._asked.n_matches
            n_seeds = -(-matches // plan.n_parts)
            subject = _Subject(own.name, plan, self._out / f"{own.name}.json", n_seeds)
            subject.read()
            found.append(subject)
        return found


class _Take:
    """Takes the seeds in their order and keeps each."""

    def __init__(self, subjects: Sequence[_Subject], units: Sequence[int], tell: Tell) -> None:
        self._subjects, self._units, self._tell = subjects, iter(units), tell
        self._left = len(units)

    def take(self, unit: Unit) -> bool:
        """Keep a seed and go on."""
        subject = self._subjects[next(self._units) // _SPAN]
        subject.add(unit)
        self._left -= 1
        self._tell(
            f"{subject.name}: {subject.n_played} of {subject.n_seeds} seeds, mean place "
            f"{np.mean(subject.played['place']):.2f}; {self._left} seeds of all are left"
        )
        return False
