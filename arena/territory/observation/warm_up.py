"""Compile everything once, on two cores, before several processes need it simultaneously.

Without this every worker and every learner of a first start would do the same work side by side.
The tick takes about as long to compile as everything else, which a second process compiles.
Afterwards the machine code is on disk (compiled.py) and loading it takes about a second.
"""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np

from arena.import_path import import_variables
from arena.machine import usable_cores
from arena.territory.engine.actions import give_orders
from arena.territory.engine.compiled import is_compiled
from arena.territory.engine.edition_2026.choices import give_orders_2026
from arena.territory.engine.edition_2026.tick import run_ticks_2026
from arena.territory.engine.numerics import draw, stream_seed, uniform_noise
from arena.territory.engine.spawns import choose_spawns, spawn_disc
from arena.territory.engine.state import State, allocate
from arena.territory.engine.tick import run_ticks
from arena.territory.maps import generate_map
from arena.territory.observation import observation as obs
from arena.territory.observation.seeing import see, see_facts
from arena.territory.observation.views import Views

_VIEWS = Views(16, 16, 16)


def _empty_state() -> State:
    """Return a state without players: enough to compile for."""
    return allocate(generate_map("plains", 32, 32, 0), 2, _VIEWS.global_size)


def _compile_the_rest() -> None:
    """Compile everything that Python calls except the tick.

    Taking tiles comes last: by then the process that compiles the tick has stored that code.
    """
    territory = generate_map("plains", 32, 32, 0)
    state = _empty_state()
    rows = np.arange(2)
    facts, seen = obs.empty_facts(2), obs.empty_views(2, _VIEWS)
    scratch = obs.make_scratch(state, _VIEWS)
    obs.observe(state, scratch, rows, 20, facts.mask, seen)
    obs.observe_scalars(state, scratch, rows, 20, facts.mask, seen)
    obs.observe_facts(state, scratch, rows, 20, facts)
    give_orders(state, rows, np.zeros(2, np.int64))
    uniform_noise(rows, rows, rows, 1, 0)
    stream_seed(1, 0, 0)
    draw(state.streams, 0, 10)
    for p, (x, y) in enumerate(choose_spawns(territory, 2, 0), start=1):
        spawn_disc(state, p, int(x), int(y))


def _compile_2026() -> None:
    """Compile what matches of edition 2026 use beyond those of 2025."""
    views = _VIEWS.of_edition("2026")
    territory = generate_map("plains", 32, 32, 0)
    state = allocate(territory, 2, views.global_size, edition=views.edition.number)
    rows = np.arange(2)
    facts, seen = obs.empty_facts(2, views.edition), obs.empty_views(2, views)
    scratch = obs.make_scratch(state, views)
    see_facts(state, scratch, rows, 20, facts)
    see(state, scratch, rows, 20, facts.mask, seen)
    give_orders_2026(state, rows, np.zeros(2, np.int64))
    run_ticks_2026(state, 1)


def warm_up(edition: str = "2025") -> None:
    """Compile what is not compiled yet; takes a second when everything is.

    Args:
        edition: of the matches that will be played; those of 2025 need nothing of 2026.
    """
    helper = None
    if not is_compiled() and usable_cores() > 1:  # on one, a helper would only import twice
        helper = subprocess.Popen(
            [sys.executable, "-m", __name__],
            env=os.environ | import_variables(),
            process_group=0,  # Ctrl-C is this process's to hear
        )
    try:
        run_ticks(_empty_state(), 1)
        if helper is not None:
            helper.wait()
    finally:  # a signal may have ended the compiling here
        if helper is not None:
            helper.kill()
            helper.wait()
    _compile_the_rest()
    if edition == "2026":
        _compile_2026()


if __name__ == "__main__":
    _compile_the_rest()
