"""Owns what the networks of a recorded match thought: values, probabilities, attention.

A `Thoughts` looks on while the match is played back (`arena.viewer.film.record_film`) and asks the
network of every seat, as it was, about what the seat saw at each decision. Promises: the
probabilities are those that the action was drawn from, up to the rounding of the forward pass; a
network that cannot be asked is named with the reason, and the match is shown without it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from agents.errors import SnapshotError
from agents.policy import masked_probabilities
from agents.snapshots import LoadedSnapshot, SnapshotStore
from arena.lockstep import Lockstep, as_dict
from arena.territory.observation.observation import SeatViews
from arena.viewer.payload import Insight
from league.errors import UsageError
from league.store.snapshots import Snapshots

if TYPE_CHECKING:
    from msattn.inspect import AttentionRecord

_SILENT = {
    "scripted": "A script: it has no value and no probabilities.",
    "plugin": "A plug-in: it does not say what it thought.",
    "planner": "A planner: it tries its orders on copies of the board and keeps no probabilities.",
}
FloatArray = NDArray[np.float32]


class Thoughts:
    """Asks the networks of a match's seats while it is played back.

    Attributes:
        silent: by seat, why it says nothing.
    """

    def __init__(
        self, agents: Sequence[str], snapshots: Snapshots | None, attended: Sequence[int] = ()
    ) -> None:
        """Load the networks.

        Args:
            agents: spec of each seat.
            snapshots: folder or store of the snapshots, None where there is no league.
            attended: seats whose maps of attention are kept.

        Raises:
            UsageError: an attended seat is not played by an attention network that is at hand.
        """
        self.silent: dict[int, str] = {}
        self._attended = set(attended)
        self._networks: dict[str, LoadedSnapshot] = {}
        self._seats: dict[str, list[int]] = {}
        self._notes: dict[int, list[_Note]] = {}
        self._n_decisions = 0  # of the match, also when all networks are dead
        store = None if snapshots is None else SnapshotStore(snapshots)
        for seat, spec in enumerate(agents):
            problem = self._load(spec, store)
            if problem:
                self.silent[seat] = problem
            else:
                self._seats.setdefault(spec, []).append(seat)
                self._notes[seat] = []
        self._check_attended(agents)

    def _load(self, spec: str, store: SnapshotStore | None) -> str:
        """Load what plays a spec, once; return why it is silent, or an empty text."""
        kind, _, sha256 = spec.partition(":")
        if kind != "snapshot":
            return _SILENT.get(kind, f"{spec}: it does not say what it thought.")
        if spec in self._networks:
            return ""
        if store is None:
            return "A network; name its league (--league DIR) to see what it thought."
        try:
            self._networks[spec] = store.load(sha256)
        except SnapshotError as error:
            return f"Its network cannot be asked: {error}"
        return ""

    def with_attention(self) -> list[int]:
        """Return the seats of attention networks that are at hand."""
        return sorted(
            seat
            for spec, seats in self._seats.items()
            if self._networks[spec].description.family == "attention"
            for seat in seats
        )

    def _check_attended(self, agents: Sequence[str]) -> None:
        able = self.with_attention()
        for seat in sorted(self._attended - set(able)):
            others = ", ".join(map(str, able)) or "none"
            raise UsageError(
                f"--attention: expected a seat of the attention family whose snapshot is in the "
                f"league, found seat {seat} with {agents[seat]}; seats of it: {others}"
            )

    def see(self, core: Lockstep, views: SeatViews, rows: NDArray[np.int64], decision: int) -> None:
        """Ask the networks of the living seats; see `arena.viewer.film.Watcher`."""
        import torch

        self._n_decisions = decision + 1
        observation = as_dict(views)
        row_of = {int(seat): row for row, seat in enumerate(rows)}
        for spec, seats in self._seats.items():
            at = [row_of[seat] for seat in seats if seat in row_of]
            living = [seat for seat in seats if seat in row_of]
            if not living:
                continue
            inputs = {key: torch.from_numpy(values[at]) for key, values in observation.items()}
            logits, values, record = _ask(self._networks[spec], inputs)
            mask = core.facts.mask[np.array(living)].astype(np.bool_)
            chances = masked_probabilities(logits, mask).astype(np.float32)
            for i, seat in enumerate(living):
                note = _Note(decision, float(values[i]), chances[i])
                if record is not None and record.head_weights is not None:
                    note.scales = record.head_weights[i].mean(axis=0)
                if record is not None and seat in self._attended:
                    note.maps = {
                        view: [layer[i] for layer in layers]
                        for view, layers in record.spatial.items()
                    }
                self._notes[seat].append(note)

    def insights(self) -> Mapping[int, Insight]:
        """Return what was thought, by seat; call it at the end of the match."""
        return {
            seat: _to_insight(notes, self._n_decisions, self._family_of(seat))
            for seat, notes in self._notes.items()
            if notes
        }

    def _family_of(self, seat: int) -> str:
        spec = next(spec for spec, seats in self._seats.items() if seat in seats)
        return self._networks[spec].description.family


class _Note:
    """What one seat thought at one decision."""

    def __init__(self, decision: int, value: float, chances: FloatArray) -> None:
        self.decision, self.value, self.chances = decision, value, chances
        self.scales: FloatArray | None = None
        self.maps: dict[str, list[FloatArray]] = {}


def _ask(
    loaded: LoadedSnapshot, inputs: dict[str, Any]
) -> tuple[FloatArray, FloatArray, AttentionRecord | None]:
    """Return logits float32[n, actions], values float32[n], and the attention if there is one."""
    import torch

    from msattn.inspect import find_torso, recording

    has_attention = loaded.description.family == "attention"
    listening = recording(find_torso(loaded.network)) if has_attention else nullcontext()
    with torch.inference_mode(), listening as record:
        logits, values = loaded.network(inputs)
    return logits.numpy(), values.numpy(), record


def _to_insight(notes: Sequence[_Note], n_decisions: int, family: str) -> Insight:
    """Lay the notes of a seat out by decision, NaN where it was dead."""
    at = np.array([note.decision for note in notes])

    def laid_out(rows: Sequence[Any]) -> FloatArray:
        table = np.full((n_decisions, *np.shape(rows[0])), np.nan, np.float32)
        table[at] = rows
        return table

    first = notes[0]
    attention = {
        view: [laid_out([note.maps[view][layer] for note in notes]) for layer in range(len(layers))]
        for view, layers in first.maps.items()
    }
    return Insight(
        member=family,
        values=laid_out([note.value for note in notes]),
        chances=laid_out([note.chances for note in notes]),
        scales=None if first.scales is None else laid_out([note.scales for note in notes]),
        attention=attention,
    )
