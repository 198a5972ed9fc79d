"""What a trainer's lineage was taught, and the lesson itself, before its first update.

Promises: a lineage that is to be taught trains nothing before its lesson is over, however often it
is killed: until then there is neither a snapshot nor a checkpoint of it to go on from. What the
teacher showed stays on the disk, wave by wave, so that at most one wave is played again. Whatever
descends from taught weights says so.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.random import PCG64, Generator
from numpy.typing import NDArray

from agents.description import SnapshotDescription
from agents.encoding import decode, encode
from agents.errors import SnapshotError
from agents.registry import is_planner
from arena.agent import Agent
from arena.files import write_whole
from arena.foreign import read_foreign
from league.learner.draws import draw_wave
from league.learner.environment import DrawOpponents
from league.learner.taught_matches import TaughtVecEnv
from league.teaching.collect import Choose, play_wave
from league.teaching.imitate import Agreement, imitate
from league.teaching.near import NearPolicy
from league.teaching.settings import TeachingSettings
from league.teaching.waves import Form, StoredWave, WaveStore
from msattn.actor_critic import policy_weights

if TYPE_CHECKING:
    from league.learner.trainer import Trainer

log = logging.getLogger(__name__)

IMITATING, WARMING = "imitating", "warming the critic"
TELL_EVERY_S = 10.0
FIRST_OF_ROUND = 10_000  # waves of round r are numbered from r times this
REFIT_SHARE = 3  # a round's fit takes this part of the first one's epochs
_MOST_BYTES = 2**30
_PURPOSE = 0x7EAC4  # apart from all other uses of a learner's seed

Tell = Callable[[Mapping[str, float]], None]


class Lessons:
    """The lesson of a trainer, and what it leaves behind.

    Args:
        draw: draws the other seats of a new match, from the trainer's wave.
        mirror: plays the self-play seats.
        copy_to_mirror: gives it the learner's present weights.

    Attributes:
        taught: {"by": teacher, "lineage": who had the lesson, "rows", "agreement"}, or None for
            weights that descend from none.
    """

    def __init__(
        self,
        trainer: Trainer,
        draw: DrawOpponents,
        mirror: Agent,
        copy_to_mirror: Callable[[], None],
    ) -> None:
        self._trainer = trainer
        self._draw, self._mirror, self._copy_to_mirror = draw, mirror, copy_to_mirror
        self._orders = trainer.orders
        self._settings: TeachingSettings = trainer.settings.teaching
        self.taught: dict[str, Any] | None = None
        self._near: NearPolicy | None = None
        self._folder = trainer.folder.checkpoints / self._orders.name
        self._reference = self._folder / "taught.safetensors"

    # --- what descends from a lesson --------------------------------------------------------------

    @property
    def is_due(self) -> bool:
        """Whether the lineage must be taught before it trains."""
        new = self._trainer.ppo.num_timesteps == 0 and self.taught is None
        return new and self._orders.teacher is not None

    @property
    def extra(self) -> dict[str, Any]:
        """What a snapshot's description says: {} of weights that were never taught."""
        return {} if self.taught is None else {"taught": dict(self.taught)}

    def inherit(self, taught: object) -> None:
        """Take over what a description or a checkpoint says of the weights that were loaded."""
        self.taught = dict(taught) if isinstance(taught, dict) else None
        self._near = None
        if self._is_own and self._settings.kl_weight(self._trainer.ppo.num_timesteps) > 0.0:
            self._near = self._read_reference()

    @property
    def reference(self) -> bytes:
        """The taught policy, for ranks on other machines; b"" where it is not needed any more."""
        return b"" if self._near is None else read_foreign(self._reference, _MOST_BYTES)

    def take_reference(self, raw: bytes) -> None:
        """Keep what the first rank's `reference` is, unless it shares this folder."""
        if raw and not self._reference.exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            write_whole(self._reference, raw)

    @property
    def _is_own(self) -> bool:
        return self.taught is not None and self.taught.get("lineage") == self._orders.name

    @property
    def phase(self) -> str:
        """What the next update does beside usual training, "" if nothing."""
        trained = self._trainer.ppo.num_timesteps
        return WARMING if self._is_own and trained < self._settings.value_decisions else ""

    def prepare(self) -> None:
        """Set what the next update trains, and how near to the taught policy it must stay."""
        ppo = self._trainer.ppo
        holds = self.phase == WARMING
        for name, parameter in ppo.policy.named_parameters():
            parameter.requires_grad_(not holds or name.startswith("value_net."))
        ppo.extra_loss = None
        if self._near is not None and not holds:
            self._near.weight = self._settings.kl_weight(ppo.num_timesteps)
            ppo.extra_loss = self._near if self._near.weight > 0.0 else None

    def numbers(self) -> dict[str, float]:
        """Return what there is to tell of the newest update; {} if it was a usual one."""
        mean = None if self._near is None else self._near.take_mean()
        if self._near is None or mean is None:
            return {}
        return {"taught_kl": mean, "taught_kl_weight": self._near.weight}

    # --- the lesson -------------------------------------------------------------------------------

    def teach(self, tell: Tell = lambda numbers: None) -> Agreement:
        """Play the teacher's matches, imitate them, and go through the rounds of labels.

        Whatever the environment's `before_step` raises ends it: the next attempt goes on from the
        waves on the disk.

        Args:
            tell: called with the numbers of the lesson, every TELL_EVERY_S and after every epoch.

        Raises:
            LearnerError: the imitation became infinite.
            AgentError, AgentFault: the teacher cannot be loaded, or failed.
        """
        trainer, settings = self._trainer, self._settings
        teacher = self._orders.teacher
        assert teacher is not None
        form = _form(trainer.env)
        store = WaveStore(self._folder / f"lesson-{self._fingerprint(teacher)}", form)
        waves = trainer.waiting("read what the teacher showed", store.read)
        found: Agreement | None = None
        for part in range(settings.n_rounds + 1):
            wanted = settings.rows_of(teacher) if part == 0 else settings.round_rows_of(teacher)
            choose = None if part == 0 else self._choose()
            waves = self._collect(store, waves, part, wanted, choose, tell)
            n_epochs = settings.n_epochs if part == 0 else -(-settings.n_epochs // REFIT_SHARE)
            rows = sum(len(wave) for wave in waves)

            def after(epoch: int, agreement: Agreement, part: int = part, rows: int = rows) -> None:
                tell(_numbers(part, rows, epoch, agreement))

            rng = Generator(PCG64([_PURPOSE, self._orders.seed, part]))
            listen = trainer.env.before_step
            found = imitate(trainer.ppo, waves, form, n_epochs, rng, alive=listen, tell=after)
        assert found is not None
        self.taught = {
            "by": self._orders.teacher_name or teacher,
            "lineage": self._orders.name,
            "rows": sum(len(wave) for wave in waves),
            "agreement": round(found.agreement, 4),
        }
        trainer.waiting("keep the taught policy", self._write_reference)
        if trainer.checkpoints.mirror is not None:
            trainer.checkpoints.mirror.keep_beside(self._reference)
        self._near = self._read_reference()
        trainer.waiting("remove what the teacher showed", self._remove_waves)
        if trainer.ppo._last_obs is None:  # a checkpoint holds matches
            trainer.ppo._last_obs = trainer.env.reset()
        return found

    def _collect(
        self,
        store: WaveStore,
        waves: list[StoredWave],
        part: int,
        wanted: int,
        choose: Choose | None,
        tell: Tell,
    ) -> list[StoredWave]:
        """Play waves until this part of the lesson has its rows; return all waves."""
        first, last = part * FIRST_OF_ROUND, (part + 1) * FIRST_OF_ROUND - 1
        own = [wave for wave in waves if first <= wave.number <= last]
        rows = sum(len(wave) for wave in own)
        if rows >= wanted:
            return waves
        env = self._make_env()
        told_at = time.monotonic()
        number = max((wave.number for wave in own), default=first - 1) + 1

        def step(n_rows: int) -> None:
            nonlocal told_at
            if time.monotonic() - told_at >= TELL_EVERY_S:
                told_at = time.monotonic()
                tell(_numbers(part, rows + n_rows))

        gamma = self._trainer.settings.ppo.gamma
        while rows < wanted:
            self._draw_opponents(env, number)
            wave = play_wave(env, number, gamma=gamma, choose=choose, step=step)
            stored = self._trainer.waiting(
                "keep what the teacher showed",
                lambda number=number, wave=wave: store.write(number, wave),  # type: ignore[misc]
            )
            waves = [*waves, stored]
            rows += len(wave)
            number += 1
        return waves

    def _make_env(self) -> TaughtVecEnv:
        trainer = self._trainer
        assert self._orders.teacher is not None
        settings = replace(trainer.settings.env, reset_share=0.0)  # of whole matches
        if is_planner(self._orders.teacher):  # a wave of one match: 40 s to lose instead of 17 min
            settings = replace(settings, n_matches=1)
        load_agent, load_map = trainer.loaders()
        env = TaughtVecEnv(
            settings,
            load_agent,
            load_map,
            self._draw,
            self._mirror,
            load_agent(self._orders.teacher),
        )
        env.before_step = trainer.env.before_step
        env.relation_mask = trainer.env.relation_mask
        return env

    def _draw_opponents(self, env: TaughtVecEnv, number: int) -> None:
        """Draw the training opponents of a wave, as for a rollout."""
        trainer = self._trainer
        env.reset_to([_PURPOSE, self._orders.seed, number])
        whom = trainer.settings.opponents
        trainer.wave = draw_wave(trainer.roster, self._orders.role, whom.n_per_wave, env.rng, whom)
        self._copy_to_mirror()

    def _choose(self) -> Choose:
        """Return the learner's own choice, drawn from its policy."""
        ppo = self._trainer.ppo

        def choose(
            observations: dict[str, NDArray[Any]], masks: NDArray[np.bool_]
        ) -> NDArray[np.int64]:
            seen = {key: torch.from_numpy(v).to(ppo.device) for key, v in observations.items()}
            with torch.inference_mode():
                log_probs, _ = ppo.evaluate(seen, torch.from_numpy(masks).to(ppo.device))
                drawn = torch.multinomial(log_probs.exp(), 1, generator=ppo.generator)[:, 0]
            chosen: NDArray[np.int64] = drawn.cpu().numpy()
            return chosen

        return choose

    def _fingerprint(self, teacher: str) -> str:
        """Return what tells lessons apart: waves of other settings are not mixed."""
        env = asdict(self._trainer.settings.env) | {"n_matches": None}
        del env["reset_share"]
        shapes = {key: list(shape) for key, shape in self._trainer.shapes.items()}
        text = json.dumps([teacher, env, shapes, self._orders.seed], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    # --- the taught policy ------------------------------------------------------------------------

    def _write_reference(self) -> None:
        description: SnapshotDescription = self._trainer.describe()
        weights = policy_weights(self._trainer.ppo.policy.state_dict())
        raw, _ = encode(weights, description)
        write_whole(self._reference, raw, durable=True)

    def _remove_waves(self) -> None:
        """Remove the waves of this lesson, and of lessons that were given up."""
        for folder in self._folder.glob("lesson-*"):
            WaveStore(folder, {}).remove()

    def _read_reference(self) -> NearPolicy | None:
        """Return the taught policy, or None where its file is gone: it goes on without."""
        trainer = self._trainer
        is_first = trainer.ranks is None or trainer.ranks.is_first
        mirror = trainer.checkpoints.mirror if is_first else None
        if mirror is not None and not self._reference.exists():  # it was taught on another machine
            trainer.waiting("fetch the taught policy", lambda: mirror.fetch_beside(self._reference))
        try:
            raw = self._trainer.waiting(
                "read the taught policy", lambda: read_foreign(self._reference, _MOST_BYTES)
            )
            network = decode(raw, str(self._reference))[1]
        except (SnapshotError, OSError) as error:
            log.warning("training goes on without the divergence from the teacher: %s", error)
            return None
        return NearPolicy(network.to(self._trainer.device))


def _numbers(
    part: int, rows: int, epoch: int = 0, agreement: Agreement | None = None
) -> dict[str, float]:
    found = {
        "imitation_round": float(part),
        "imitation_rows": float(rows),
        "imitation_epoch": float(epoch),
    }
    return found if agreement is None else {**found, **agreement.numbers()}


def _form(env: Any) -> Form:
    """Return shape and dtype of each part of an observation."""
    return {key: (box.shape, box.dtype) for key, box in env.observation_space.spaces.items()}
