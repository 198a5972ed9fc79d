"""Compare settings of the learner: one training per arm at equal cost, then its strength.

An arm is a group of settings. Each trains one learner alone, from nothing or after the lesson of
its teacher (`learner.teacher`), whose time counts too. It has a league folder of its own and the
product's own Trainer, and meets five scripts; what it spends is this process's CPU time, or, on
request, decisions. CPU time is that of the machine as it is: beside other work a core does less in
a second of it (a third less was seen at a load of 30 on two cores). Equal decisions do not depend
on the machine, and say nothing of what a setting costs. Then it plays as `league.bench.company`
says, with the same seeds and seats as all other arms.

Promises: what an arm has trained and played is kept in its folder, and the same command goes on
where it stopped, or only prints; a folder that belongs to other settings is refused.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from agents.registry import make_loader
from arena.files import write_whole
from arena.foreign import ForeignFileError, parse_json, read_foreign
from league.bench import machine
from league.bench.company import RIVAL, SCRIPTS, judge
from league.config.layers import resolve
from league.config.toml import write_toml
from league.errors import BenchError
from league.folder.layout import LeagueFolder, create_folder
from league.folder.teachers import spec_of
from league.learner.messages import LearnerOrders, Roster
from league.learner.settings import learner_settings
from league.matches.worker import cached_maps
from league.matchmaking.opponents import Foe
from league.pit.mixed.statistics import share_interval
from league.statistics.means import MeanInterval, t_interval

if TYPE_CHECKING:
    from league.config.tree import LeagueConfig
    from league.learner.trainer import Trainer

Tell = Callable[[str], None]
_STATE = "arm.json"
_MAX_STATE_BYTES = 20_000_000
JUDGE_SEED = 1
STANDARDS = ("expander", "strategist")  # of the company, whom the table compares arms with


@dataclass(frozen=True)
class Arm:
    """A named group of settings, `key=value` each."""

    name: str
    sets: tuple[str, ...] = ()


def parse_arm(text: str) -> Arm:
    """Return the arm of `NAME` or `NAME: KEY=VALUE KEY=VALUE`.

    Raises:
        BenchError: there is no name, or one that a folder cannot have.
    """
    name, _, rest = text.partition(":")
    name = name.strip()
    if not name or not all(letter.isalnum() or letter in "-_.+" for letter in name):
        raise BenchError(
            f"expected an arm as NAME: KEY=VALUE KEY=VALUE, NAME of letters, digits and -_.+, "
            f"found {text!r}"
        )
    return Arm(name, tuple(rest.split()))


@dataclass(frozen=True)
class Comparison:
    """What is compared, and how.

    Attributes:
        arms: the first is the one that the others are compared with.
        out: folder that holds a folder per arm and seed.
        sets: settings of all arms.
        cpu_s: seconds of processor time that each training takes.
        decisions: that each training makes at least, instead of that time; None for the time.
        seeds: of the trainings; each arm trains once with each.
        matches, pairs: of each judgement (`league.bench.company.judge`).
    """

    arms: tuple[Arm, ...]
    out: Path
    preset: str = "small"
    family: str = "baseline"
    sets: tuple[str, ...] = ()
    cpu_s: float = 300.0
    decisions: int | None = None
    seeds: tuple[int, ...] = (0,)
    matches: int = 400
    pairs: int = 50

    def __post_init__(self) -> None:
        names = [arm.name for arm in self.arms]
        if not names or len(set(names)) != len(names):
            raise BenchError(
                f"expected arms of different names, found {', '.join(names) or 'none'}"
            )

    def goes_on(self, cpu_s: float, decisions: int) -> bool:
        """Return whether a training that has spent so much is not over yet."""
        return cpu_s < self.cpu_s if self.decisions is None else decisions < self.decisions

    def aim(self) -> str:
        """Return what each training gets, in words."""
        if self.decisions is None:
            return f"{self.cpu_s:.0f} s of processor time"
        return f"{self.decisions:,} decisions"


def run(asked: Comparison, tell: Tell = lambda _: None) -> dict[str, Any]:
    """Train and judge every arm that is not done yet; return the table as JSON types.

    Raises:
        BenchError: a folder is another arm's, or a match failed.
        ConfigError: a setting is wrong; nothing has begun.
    """
    configs = {
        (arm.name, seed): resolve(asked.preset, None, (*asked.sets, *arm.sets, f"seed={seed}"))
        for arm in asked.arms
        for seed in asked.seeds
    }
    _load_compiled(next(iter(configs.values())))
    found = []
    for arm in asked.arms:
        for seed in asked.seeds:
            config = configs[arm.name, seed]
            found.append((arm, seed, _Run(asked, arm, seed, config, tell).done()))
    first = [state["judged"] for arm, _, state in found if arm == asked.arms[0]]
    rows = [_row(arm, seed, state, first[asked.seeds.index(seed)]) for arm, seed, state in found]
    return {
        "preset": asked.preset,
        "family": asked.family,
        "sets": list(asked.sets),
        "cpu_s": asked.cpu_s,
        "decisions": asked.decisions,
        "aim": asked.aim(),
        "matches": rows[0]["matches"],
        "pairs": asked.pairs,
        "rows": rows,
        "machine": machine.describe(),
    }


def _load_compiled(config: LeagueConfig) -> None:
    """Compile and load the game before any clock runs, or the first arm would pay for all."""
    from arena.match import MatchSpec, play_matches
    from arena.territory.observation.warm_up import warm_up

    warm_up(config.rules.edition)
    rules, views = config.rules.to_rules(), config.views.to_views()
    agents = (f"scripted:{RIVAL}",) * rules.n_seats
    spec = MatchSpec(0, "generated:plains:32x32:0", agents, rules, views)
    play_matches([spec], make_loader(), cached_maps(None))


class _Run:
    """One arm with one seed, in its folder."""

    def __init__(
        self, asked: Comparison, arm: Arm, seed: int, config: LeagueConfig, tell: Tell
    ) -> None:
        self._asked, self._config, self._seed = asked, config, seed
        self._tell: Tell = lambda text: tell(f"{arm.name}, seed {seed}: {text}")
        self.root = asked.out / f"{arm.name}-seed{seed}"

    def done(self) -> dict[str, Any]:
        """Train and judge what is missing; return the state."""
        state = self._read()
        goes_on = self._asked.goes_on(state["cpu_s"], state["decisions"])
        if goes_on or state["snapshot"] is None:
            state = self._train(state)
        asked = {"matches": self._asked.matches, "pairs": self._asked.pairs}
        if state["judged_by"] != asked:
            state |= {"judged": self._judge(state["snapshot"]), "judged_by": asked}
            self._write(state)
        return state

    def _train(self, state: dict[str, Any]) -> dict[str, Any]:
        from league.learner.trainer import Trainer

        folder = LeagueFolder.at(self.root)
        if not folder.is_league():
            folder = create_folder(self.root, write_toml(self._config))
            self._write(state)
        trainer = Trainer(self._orders(folder.root))
        trainer.roster = _roster(state["ring"])
        trainer.env.load_maps()
        before, began = state["cpu_s"], time.process_time()
        if trainer.lessons.is_due:
            state["taught"] = asdict(trainer.lessons.teach(self._tell_of_lesson))
            trainer.checkpoint(force=True)
            self._write(state | {"cpu_s": time.process_time() - began})
        spent = before
        # One update at least.
        while spent == before or self._asked.goes_on(spent, trainer.ppo.num_timesteps):
            numbers, _ = trainer.update()
            spent = before + time.process_time() - began
            state["curve"].append(_point(spent, trainer, numbers))
            self._tell(
                f"{spent:.0f} s of processor time, {trainer.ppo.num_timesteps:,} decisions, of "
                f"{self._asked.aim()}"
            )
            if trainer.snapshot_due().take:
                state["ring"].append(_freeze(trainer))
                trainer.roster = _roster(state["ring"])
            if trainer.checkpoint():
                self._write(state | {"cpu_s": before + time.process_time() - began})
        state |= {"cpu_s": spent, "decisions": trainer.ppo.num_timesteps}
        trainer.checkpoint(force=True)
        state["snapshot"] = _freeze(trainer)
        state["judged_by"] = None
        trainer.close()
        self._write(state)
        return state

    def _tell_of_lesson(self, numbers: Mapping[str, float]) -> None:
        agreement = numbers.get("imitation_agreement")
        said = "" if agreement is None else f", agrees in {agreement:.1%} of held-out decisions"
        rows, epoch = numbers["imitation_rows"], numbers["imitation_epoch"]
        self._tell(f"{rows:,.0f} decisions of its teacher, epoch {epoch:.0f}{said}")

    def _orders(self, root: Path) -> LearnerOrders:
        teacher = self._config.learner.teacher
        return LearnerOrders(
            root=str(root),
            settings=learner_settings(self._config),
            name="arm",
            family=self._asked.family,
            role="main",
            seed=self._seed,
            snapshot=None,
            trained_decisions=0,
            teacher=None if teacher is None else spec_of(teacher, self._config, {}),
            teacher_name=teacher or "",
        )

    def _judge(self, sha256: str) -> dict[str, Any]:
        import torch

        torch.set_num_threads(1)
        return judge(
            f"snapshot:{sha256}",
            make_loader(LeagueFolder.at(self.root).snapshot_place()),
            cached_maps(self.root),
            self._config,
            matches=self._asked.matches,
            pairs=self._asked.pairs,
            seed=JUDGE_SEED,
            tell=self._tell,
        ).to_json()

    def _read(self) -> dict[str, Any]:
        path = self.root / _STATE
        fresh: dict[str, Any] = {
            "family": self._asked.family,
            "cpu_s": 0.0,
            "decisions": 0,
            "snapshot": None,
            "curve": [],
            "ring": [],
            "judged": None,
            "judged_by": None,
            "taught": None,
        }
        if not path.exists():
            return fresh
        try:
            state = parse_json(read_foreign(path, _MAX_STATE_BYTES))
            family = state["family"]
        except (ForeignFileError, ValueError, TypeError, LookupError) as error:
            raise BenchError(
                f"{path}: expected the state of an arm: {error}; remove {self.root} to begin anew"
            ) from error
        # By its league.toml: settings that are younger than it have their defaults in both.
        same = resolve(None, LeagueFolder.at(self.root).toml) == self._config
        if family != self._asked.family or not same:
            raise BenchError(
                f"{self.root}: expected the arm with these settings, found one with others; give "
                "the arm another name, name another --out, or remove the folder"
            )
        return {**fresh, **state}

    def _write(self, state: dict[str, Any]) -> None:
        write_whole(self.root / _STATE, (json.dumps(state) + "\n").encode(), durable=True)


def _roster(own: list[str]) -> Roster:
    """Return the scripts, and the snapshots so far as ancestors whom only a ring brings back."""
    specs = [f"scripted:{name}" for name in SCRIPTS]
    foes = [Foe(i, 0.5, role="anchor") for i in range(len(specs))]
    foes += [Foe(len(specs) + i, 1.0, own_ancestor=True) for i in range(len(own))]
    specs += [f"snapshot:{sha256}" for sha256 in own]
    return Roster(tuple(foes), dict(enumerate(specs)), ())


def _point(spent: float, trainer: Trainer, numbers: dict[str, float]) -> dict[str, float]:
    """Return one point of an arm's curve."""
    named = ("placement_mean", "kl", "entropy", "explained_variance", "n_epochs", "seconds_update")
    found = {name: numbers[name] for name in named if name in numbers}
    return {"cpu_s": spent, "decisions": trainer.ppo.num_timesteps, **found}


def _freeze(trainer: Trainer) -> str:
    sha256 = trainer.offer()
    trainer.store.admit(sha256)
    trainer.store.discard(sha256)
    return sha256


def _row(arm: Arm, seed: int, state: dict[str, Any], first: dict[str, Any]) -> dict[str, Any]:
    """Return an arm's figures; `better` is paired with the first arm by seed of the matches."""
    judged = state["judged"]
    gain = _gain(first["places"], judged["places"])
    return {
        "arm": arm.name,
        "sets": list(arm.sets),
        "seed": seed,
        "cpu_s": state["cpu_s"],
        "decisions": state["decisions"],
        "taught": state["taught"],
        "decisions_per_cpu_s": state["decisions"] / max(state["cpu_s"], 1e-9),
        "matches": judged["n_matches"],
        "place": _interval(t_interval(judged["places"])),
        "better_than_first": _interval(gain),
        **{
            f"better_than_{name}": _interval(_gain(places, judged["places"]))
            for name, places in judged.get("company", {}).items()
        },
        "firsts": _interval(share_interval(judged["firsts"])),
        f"score_{RIVAL}": _interval(t_interval(judged["scores"]).within(0.0, 1.0)),
        **judged["habits"],
    }


def _gain(places: list[float], own: list[float]) -> MeanInterval:
    """Return by how many places `own` is better than `places`, seed by seed."""
    return t_interval((np.array(places) - np.array(own)).tolist())


def _interval(found: MeanInterval) -> dict[str, float]:
    return {"mean": found.mean, "half_width": found.half_width}


def lines(result: dict[str, Any]) -> list[str]:
    """Return the table as text, in the order of the arms."""
    head = (
        f"settings   {result['family']}, preset {result['preset']}, {result['aim']} each; "
        f"{result['matches']} matches in mixed company, {result['pairs']} pairs against {RIVAL}; "
        f"on {machine.sentence(result['machine'])}"
    )
    columns = (
        f"  {'arm':<20} seed    s  decisions    /s  place          "
        f"than {result['rows'][0]['arm']:<10}"
        + "".join(f"  than {name:<10}" for name in STANDARDS)
        + f"  first           5v5 {RIVAL:<10} orders  target  full"
    )
    lessons = [_lesson(row) for row in result["rows"] if row["taught"] is not None]
    return [head, columns, *(_line(row) for row in result["rows"]), *lessons]


def _lesson(row: dict[str, Any]) -> str:
    taught = row["taught"]
    return (
        f"  {row['arm']}, seed {row['seed']}, agrees with its teacher in {taught['agreement']:.1%} "
        f"of {taught['rows']:,} held-out decisions, in {taught['on_orders']:.1%} of those that are "
        f"orders; the teacher waits in {taught['waits']:.1%}"
    )


def _line(row: dict[str, Any]) -> str:
    def number(name: str, scale: float = 1.0, digits: int = 2, sign: str = "") -> str:
        if name not in row:  # judged by an earlier version
            return "-"
        mean, half = row[name]["mean"] * scale, row[name]["half_width"] * scale
        return f"{mean:{sign}.{digits}f} +/- {half:.{digits}f}"

    target = "-" if row["target_over_own"] is None else f"{row['target_over_own']:.2f}"
    return (
        f"  {row['arm']:<20} {row['seed']:>4} {row['cpu_s']:>4.0f} {row['decisions']:>10,} "
        f"{row['decisions_per_cpu_s']:>5.0f}  {number('place')}  "
        + "  ".join(
            f"{number(f'better_than_{name}', sign='+'):>15}" for name in ("first", *STANDARDS)
        )
        + f"  {number('firsts', 100, 1):>12} %  "
        f"{number(f'score_{RIVAL}', 100, 1):>12} %  {row['orders_per_decision']:>6.1%}  "
        f"{target:>6}  {row['home_fullness']:>4.0%}"
    )
