"""A learner's views on the device of its network, and whether to draw them there."""

from __future__ import annotations

import time
from statistics import median

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from agents.device_views import DeviceViews
from agents.registry import make_loader
from arena.lockstep import LiveMatch, Lockstep, as_dict
from arena.match import LoadMap
from arena.territory.engine.rules import MAX_SEATS, MatchRules
from arena.territory.observation.observation import empty_views
from arena.territory.observation.views import Views
from msattn.config import SCALES
from msattn.probing import wait_for
from msattn.staging import Staging

DRAWN_VERSIONS = (1, 2)  # of the observation, whose views agents.device_views draws
_N_MATCHES = 4
_WARM, _MEASURED = 20, 10  # decisions of the probe's matches
_SCRIPTS = ("scripted:tribe", "scripted:expander", "scripted:turtle", "scripted:opportunist")

IntArray = NDArray[np.int64]


class DrawnViews:
    """The views of a learner's seats, and of the policies that play against it, on one device.

    Args:
        lockstep: its matches, to whose policies the views are offered.
        n_rows: of the learner.

    Attributes:
        targets: by key uint8[n_rows, C, S, S], the learner's, as they were last drawn.
    """

    def __init__(self, lockstep: Lockstep, n_rows: int, views: Views, device: torch.device) -> None:
        self._lockstep = lockstep
        self._drawing = DeviceViews(len(lockstep.matches), views, device)
        self.targets = _room(n_rows, views, device)
        lockstep.draw_views = self.draw

    def observe(self, rows: IntArray, at: IntArray) -> None:
        """Draw living rows of the matches, int64[n], into these rows of `targets`."""
        began = time.perf_counter()
        self._drawing.observe(self._lockstep, rows, self.targets, at)
        self._lockstep.seconds["observation"] += time.perf_counter() - began

    def draw(self, rows: IntArray) -> dict[str, Tensor]:
        """Return the views of living rows, uint8[n, C, S, S] by key."""
        began = time.perf_counter()
        targets = _room(len(rows), self._drawing.views, self._drawing.device)
        self._drawing.observe(self._lockstep, rows, targets)
        self._lockstep.seconds["observation"] += time.perf_counter() - began
        return targets


def probe_drawing(
    device: torch.device, rules: MatchRules, views: Views, reference: str, load_map: LoadMap
) -> tuple[float, bool]:
    """Draw the views of matches of scripts on a device, and bring those of the game there, in turn.

    Returns:
        Seconds of the second over seconds of the first, and whether all bytes were equal.
    """
    matches = Lockstep(_N_MATCHES, views)
    load = make_loader()
    agents = [load(name) for name in _SCRIPTS]
    for slot in range(_N_MATCHES):
        seated = [agents[seat % len(agents)] for seat in range(rules.n_seats)]
        matches.begin(slot, LiveMatch(load_map(reference), rules, views, slot, 0, seated))
    drawing, staging = DeviceViews(_N_MATCHES, views, device), Staging(device)
    n = _N_MATCHES * rules.n_seats
    seen = empty_views(n, views)
    drawn, brought = _room(n, views, device), _room(n, views, device)
    actions = np.zeros(_N_MATCHES * MAX_SEATS, np.int64)
    spent: dict[str, list[float]] = {"drawn": [], "brought": []}
    are_equal = True
    for decision in range(_WARM + _MEASURED):
        matches.refresh()
        rows = np.flatnonzero(matches.alive)
        at = np.arange(len(rows))
        began = time.perf_counter()
        matches.observe(rows, seen)
        staging.bring(brought, as_dict(seen), slice(0, n))
        wait_for(device)
        middle = time.perf_counter()
        matches.observe(rows, seen, with_views=False)
        drawing.observe(matches, rows, drawn, at)
        wait_for(device)
        if decision >= _WARM:
            spent["brought"].append(middle - began)
            spent["drawn"].append(time.perf_counter() - middle)
        for key in SCALES:
            are_equal &= torch.equal(drawn[key][: len(rows)], brought[key][: len(rows)])
        matches.ask_agents(actions)
        matches.advance(actions)
    return median(spent["brought"]) / median(spent["drawn"]), are_equal


def _room(n: int, views: Views, device: torch.device) -> dict[str, Tensor]:
    """Return uint8[n, C, S, S] by key."""
    shapes = views.shapes()
    return {key: torch.zeros((n, *shapes[key]), dtype=torch.uint8, device=device) for key in SCALES}
