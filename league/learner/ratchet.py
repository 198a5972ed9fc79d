"""The ratchet: PPO is held near the last best of the lineage's own snapshots.

The clip of PPO bounds one update and is blind to a slow drift over many. With a weight above 0 the
loss has a further term, the divergence from the last best snapshot. A new snapshot takes that place
unless it did worse: in the matches since the snapshot before, it was placed above the opponents
that both met in a smaller share of cases. So the reference goes on with a policy that climbs, and
stays where it is while the policy falls.

Promises: nothing is computed at weight 0; a learner that resumes in its folder is held near the
same policy. On another machine it is held again from its next snapshot on.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from torch import Tensor

from agents.encoding import decode, encode
from agents.errors import SnapshotError
from arena.files import write_whole
from arena.foreign import read_foreign
from league.learner.lessons import WARMING
from league.ppo.averaging import snapshot_weights
from league.ppo.update import ExtraLoss
from league.teaching.near import NearPolicy

if TYPE_CHECKING:
    from league.learner.trainer import Trainer

log = logging.getLogger(__name__)

# Matches against an opponent before its score counts; a first snapshot comes after some forty.
MIN_MATCHES = 10
_MOST_BYTES = 2**30

Scores = dict[str, float]  # opponent -> mean share of cases in which it was placed below


class Ratchet:
    """The last best snapshot of a trainer's lineage, and what holds the policy near it.

    Attributes:
        best: hash of the last best snapshot since the lineage began here, or None before one.
        scores: its own, by opponent.
    """

    def __init__(self, trainer: Trainer) -> None:
        self._trainer = trainer
        self._folder = trainer.folder.checkpoints / trainer.orders.name
        self.weight = trainer.settings.ratchet_kl
        self.best: str | None = None
        self.scores: Scores = {}
        self._near: NearPolicy | None = None

    # --- which policy is the best -----------------------------------------------------------------

    def judge(self) -> None:
        """Take the present weights for the best unless they did worse; called before a snapshot."""
        if self.weight == 0.0:
            return
        found = mean_scores(self._trainer.since.scores)
        if self._near is not None and is_worse(found, self.scores):
            log.info("the ratchet holds at %s", (self.best or "")[:12])
            return
        raw, _ = encode(snapshot_weights(self._trainer.ppo), self._trainer.describe())
        self.best, self.scores = hashlib.sha256(raw).hexdigest(), found
        self._trainer.waiting("keep the best policy", lambda: self._write(raw))
        self._near = self._built(raw)

    def forget(self) -> None:
        """Hold nothing: the weights descend from others now."""
        self.best, self.scores, self._near = None, {}, None

    # --- holding ----------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Add the divergence to what the next update minimises, after `Lessons.prepare`."""
        if self._near is None or self._trainer.lessons.phase == WARMING:
            return
        self._near.weight = self.weight
        ppo = self._trainer.ppo
        ppo.extra_loss = self._near if ppo.extra_loss is None else both(ppo.extra_loss, self._near)

    def numbers(self) -> dict[str, float]:
        """Return {"ratchet_kl": mean divergence in nats} of the newest update; {} without one."""
        mean = None if self._near is None else self._near.take_mean()
        return {} if mean is None else {"ratchet_kl": mean}

    # --- checkpoints ------------------------------------------------------------------------------

    def state(self) -> dict[str, Any] | None:
        """Return what a checkpoint keeps, as JSON values."""
        return None if self.best is None else {"best": self.best, "scores": self.scores}

    def inherit(self, state: object) -> None:
        """Go on from the state of a checkpoint; without its file, from the next snapshot on."""
        self.forget()
        if self.weight == 0.0 or not isinstance(state, dict):
            return
        best, scores = str(state["best"]), dict(state["scores"])
        try:
            path = self._path(best)
            raw = self._trainer.waiting("read the best policy", lambda: _read(path))
            if hashlib.sha256(raw).hexdigest() != best:
                raise SnapshotError(f"{path} was changed after it was written")
            self._near = self._built(raw)
        except (SnapshotError, OSError) as error:
            log.warning("the ratchet begins anew at the next snapshot: %s", error)
            return
        self.best, self.scores = best, scores

    def _built(self, raw: bytes) -> NearPolicy:
        return NearPolicy(decode(raw, "the best policy")[1].to(self._trainer.device))

    def _path(self, sha256: str) -> Path:
        return self._folder / f"best-{sha256[:16]}.safetensors"

    def _write(self, raw: bytes) -> None:
        """Write the best policy; the two before it stay, for checkpoints that are older."""
        path = self._path(hashlib.sha256(raw).hexdigest())
        older = sorted(self._folder.glob("best-*.safetensors"), key=lambda p: p.stat().st_mtime)
        write_whole(path, raw, durable=True)
        for gone in [old for old in older if old != path][:-2]:
            gone.unlink(missing_ok=True)


def mean_scores(scores: Mapping[str, Sequence[float]]) -> Scores:
    """Return the mean score against each opponent of MIN_MATCHES or more."""
    return {name: fmean(found) for name, found in scores.items() if len(found) >= MIN_MATCHES}


def is_worse(new: Scores, best: Scores) -> bool:
    """Return whether `new` is lower on the opponents that both met; False if there are none."""
    common = new.keys() & best.keys()
    return bool(common) and fmean(new[n] for n in common) < fmean(best[n] for n in common)


def both(one: ExtraLoss, other: ExtraLoss) -> ExtraLoss:
    """Return the sum of two terms of the loss."""

    def total(observations: dict[str, Tensor], masks: Tensor, log_probs: Tensor) -> Tensor:
        return one(observations, masks, log_probs) + other(observations, masks, log_probs)

    return total


def _read(path: Path) -> bytes:
    return read_foreign(path, _MOST_BYTES)
