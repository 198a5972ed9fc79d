"""Load agents by their specs: "scripted:tribe", "snapshot:3fa9c1", "plugin:pkg.module:make",
"planner:" (agents.planner; "planner:decisions=10,copies=6" with a budget, agents.budget).

A plug-in is named by `module:factory` or `path/of/file.py:factory`; the factory takes no arguments
and returns an Agent (arena.agent). Loading a plug-in runs its code: name only what you trust.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from agents.budget import Budget
from agents.errors import AgentError
from agents.in_tick import InTick
from agents.plugin_files import is_plugin_file, load_plugin_file
from agents.scripted import FORMER_NAMES, SCRIPTED, SCRIPTED_2026, SCRIPTED_NAMES
from arena.agent import Agent

if TYPE_CHECKING:
    from agents.forwards import SharedForwards
    from agents.snapshots import SnapshotStore
    from agents.source import SnapshotPlace

KINDS = ("scripted", "snapshot", "plugin", "planner")


class SpecError(AgentError):
    """An agent spec that does not name an agent, or an agent that cannot be loaded."""


def parse_spec(spec: str) -> tuple[str, str]:
    """Split an agent spec into (kind, rest); a former name becomes the present one.

    The rest of a planner is its budget, with the defaults left out: "" is the usual planner.

    Raises:
        SpecError: the text is not an agent spec.
    """
    kind, colon, rest = spec.partition(":")
    if not colon or kind not in KINDS or not (rest or kind == "planner"):
        raise SpecError(
            f"{spec!r} is not an agent spec; expected scripted:NAME, snapshot:HASH, "
            "plugin:MODULE:FACTORY, plugin:FILE.py:FACTORY or planner:, for example scripted:tribe"
        )
    if kind == "planner":
        return kind, Budget.parse(rest).text()
    if kind == "scripted":
        rest = FORMER_NAMES.get(rest, rest)
    if kind == "scripted" and rest not in SCRIPTED_NAMES:
        raise SpecError(
            f"there is no scripted agent {rest!r}; choose one of {', '.join(SCRIPTED_NAMES)}"
        )
    if kind == "plugin":
        place, _, factory = rest.rpartition(":")
        if not place or not factory or (":" in place and not is_plugin_file(place)):
            raise SpecError(
                f"{spec!r} is not a plug-in; expected plugin:MODULE:FACTORY or "
                "plugin:FILE.py:FACTORY"
            )
    return kind, rest


def whole_spec(spec: str) -> str:
    """Return an agent spec that means the same in every folder: a plug-in's file by its path.

    Raises:
        SpecError: the file of a plug-in is not there.
    """
    kind, _, rest = spec.partition(":")
    place, _, factory = rest.rpartition(":")
    if kind != "plugin" or not is_plugin_file(place):
        return spec
    path = Path(place).expanduser().resolve()
    if not path.is_file():
        raise SpecError(f"expected the Python file of a plug-in, found none at {path}")
    return f"plugin:{path}:{factory}"


def present_spec(spec: str) -> str:
    """Return an agent spec under its present name: `scripted:wait` gives `scripted:idle`.

    A planner's defaults are left out: `planner:decisions=10` gives `planner:`.

    Two specs mean the same agent when this is equal for both.
    """
    kind, _, rest = spec.partition(":")
    if kind == "planner":
        with suppress(AgentError):
            return f"planner:{Budget.parse(rest).text()}"
    return f"scripted:{FORMER_NAMES.get(rest, rest)}" if kind == "scripted" else spec


def is_planner(spec: str) -> bool:
    """Return whether a spec names a planner, which takes a tenth of a second for each order."""
    return spec.startswith("planner:")


def load_plugin(name: str) -> Agent:
    """Import `module:factory` and call the factory.

    Raises:
        SpecError: the module or the factory is missing or raises, or the agent has no `reset` or
            `act`.
    """
    place, _, factory_name = name.rpartition(":")
    try:
        if is_plugin_file(place):
            module = load_plugin_file(Path(place))
        else:
            module = importlib.import_module(place)
        agent: Agent = getattr(module, factory_name)()
    except (Exception, SystemExit) as error:
        raise SpecError(
            f"plug-in {name!r} could not be loaded: {type(error).__name__}: {error}; the module "
            "must be importable (installed, on PYTHONPATH, or named as FILE.py) without reading a "
            "command line, and the factory take no arguments"
        ) from error
    if not callable(getattr(agent, "reset", None)) or not callable(getattr(agent, "act", None)):
        raise SpecError(
            f"plug-in {name!r} made a {type(agent).__name__} without reset(rows) and "
            "act(batch, rng); see arena.agent.Agent"
        )
    return agent


def make_loader(
    snapshots: Path | SnapshotPlace | SnapshotStore | None = None,
    *,
    device: str = "cpu",
    greedy: bool = False,
    forwards: SharedForwards | None = None,
) -> Callable[[str], Agent]:
    """Return a function that makes a new agent from an agent spec.

    Args:
        snapshots: what "snapshot:HASH" is looked up in: a folder, a place with a source, which can
            be sent to other machines (league.store.snapshots), or an open store; None refuses
            snapshots.
        device: where policies run ("cpu", "cuda", "mps" or "auto").
        greedy: policies take their most probable action instead of sampling.
        forwards: passes that the policies share (agents.forwards).
    """

    opened: list[SnapshotStore] = []

    def load(spec: str) -> Agent:
        kind, rest = parse_spec(spec)
        if kind == "scripted":
            make = (SCRIPTED | SCRIPTED_2026).get(rest)
            return InTick(rest) if make is None else make()
        if kind == "plugin":
            return load_plugin(rest)
        if kind == "planner":
            from agents.planner import Planner

            return Planner(Budget.parse(rest))
        if snapshots is None:
            raise SpecError(f"{spec!r} needs a league with snapshots, and none was given")
        from agents.policy import PolicyAgent
        from agents.snapshots import SnapshotStore
        from msattn.device import choose_device

        if not opened:
            if isinstance(snapshots, SnapshotStore):
                opened.append(snapshots)
            else:
                opened.append(SnapshotStore(snapshots))
        loaded = opened[0].load(rest)
        return PolicyAgent.from_snapshot(
            loaded, choose_device(device), greedy=greedy, forwards=forwards
        )

    return load
