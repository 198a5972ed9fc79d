"""Benchmark of the networks: parameters, forward and update per observation, inference speed-up.

Three kinds of network side by side, in both families: the first version (three views and scalars),
and the second (neighbours as tokens) with gated views and without views.

`inference_speedup` compares the inference of a frozen member (`agents.inference.prepare`, in passes
of bounded size) with the same modules in plain eager float32 NCHW and one pass, timed in turn in
one process. The largest difference of their logits is reported too.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from agents.encoding import noise_observations
from agents.inference import prepare, rows_per_pass
from agents.policy import PolicyAgent
from league.bench import machine
from league.config.layers import resolve
from league.config.tree import LeagueConfig
from msattn.actor_critic import ActorCritic, masked_log_softmax
from msattn.config import FAMILIES
from msattn.device import choose_device
from msattn.probing import wait_for

# Rows: a minibatch at small; about a decision of matches with ten seats at classic.
BATCH = {"small": 256, "classic": 64}
KINDS: dict[str, tuple[str, ...]] = {
    "views": ("views.observation_version=1", "network.views=on"),
    "gated views": ("network.views=gated",),
    "no views": ("network.views=off",),
}


def _kind_of_new_leagues(preset: str) -> str:
    torso = resolve(preset).torso
    return next(kind for kind, sets in KINDS.items() if resolve(preset, None, sets).torso == torso)


def in_turn(
    variants: dict[str, Callable[[], object]], repeats: int, device: torch.device
) -> dict[str, float]:
    """Return each variant's median seconds, timed in turn so that disturbances hit all alike."""
    spent: dict[str, list[float]] = {name: [] for name in variants}
    for repeat in range(repeats + 1):
        for name, act in variants.items():
            wait_for(device)
            began = time.perf_counter()
            act()
            wait_for(device)
            if repeat > 0:  # the first round warms up
                spent[name].append(time.perf_counter() - began)
    return {name: machine.middle(values) for name, values in spent.items()}


def _measure(
    family: str, config: LeagueConfig, batch: int, repeats: int, device: torch.device
) -> dict[str, Any]:
    views = config.views.to_views()
    shapes = views.shapes()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = ActorCritic(family, shapes, config.torso, n_actions=views.n_actions).to(device)
    shapes = network.torso.shapes
    frozen = copy.deepcopy(network).eval().requires_grad_(False)
    plain = copy.deepcopy(frozen)
    agent = PolicyAgent(prepare(frozen, device, shapes), shapes, device=device)
    arrays = noise_observations(shapes, batch)
    observation = {key: torch.from_numpy(x).to(device) for key, x in arrays.items()}
    mask = torch.ones(batch, network.n_actions, dtype=torch.bool, device=device)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-5)
    micro = rows_per_pass(shapes) if device.type == "cpu" else batch

    def eager() -> Any:
        with torch.inference_mode():
            return plain(observation)[0].cpu().numpy()

    def update() -> None:
        optimizer.zero_grad(set_to_none=True)
        for start in range(0, batch, micro):
            rows = {key: x[start : start + micro] for key, x in observation.items()}
            logits, values = network(rows)
            log_probs = masked_log_softmax(logits, mask[start : start + micro])
            torch.autograd.backward((log_probs[:, 0].sum() + values.square().sum()) / batch)
        torch.nn.utils.clip_grad_norm_(network.parameters(), 0.5)
        optimizer.step()

    difference = float(np.abs(agent.logits(arrays) - eager()).max())
    spent = in_turn({"eager": eager, "frozen": lambda: agent.logits(arrays)}, repeats, device)
    spent |= in_turn({"update": update}, max(1, repeats // 2), device)
    per_row = {name: 1000.0 * seconds / batch for name, seconds in spent.items()}
    return {
        "parameters": sum(weight.numel() for weight in network.parameters()),
        "forward_ms": per_row["frozen"],
        "forward_eager_ms": per_row["eager"],
        "update_ms": per_row["update"],
        "inference_speedup": spent["eager"] / spent["frozen"],
        "largest_logit_difference": difference,
    }


def run(
    preset: str = "small",
    *,
    batch: int | None = None,
    repeats: int = 7,
    device: str = "auto",
    threads: int = 1,
) -> dict[str, Any]:
    """Measure both families; `families` are the networks of a new league, `kinds` all.

    Args:
        preset: "small" or "classic": views and widths.
        batch: rows per forward pass and update; None takes BATCH.
        repeats: timed rounds; the median is reported.
        device: as `msattn.device.choose_device` takes it.
        threads: threads that torch uses.
    """
    torch.set_num_threads(threads)
    where = choose_device(device)
    rows = batch or BATCH[preset]
    kinds = {
        kind: {
            name: _measure(name, resolve(preset, None, sets), rows, repeats, where)
            for name in FAMILIES
        }
        for kind, sets in KINDS.items()
    }
    return {
        "preset": preset,
        "batch": rows,
        "repeats": repeats,
        "device": str(where),
        "threads": threads,
        "families": kinds[_kind_of_new_leagues(preset)],
        "kinds": kinds,
        "torch": torch.__version__,
        "machine": machine.describe(),
    }


def lines(result: dict[str, Any]) -> list[str]:
    """Return the result as text."""
    shown = [
        f"networks   {kind:<11} {name:<9} {found['parameters']:>9,} parameters  forward "
        f"{found['forward_ms']:6.3f} ms  update {found['update_ms']:6.3f} ms  frozen inference "
        f"{found['inference_speedup']:4.2f} times plain eager (logits within "
        f"{found['largest_logit_difference']:.0e})"
        for kind, families in result["kinds"].items()
        for name, found in families.items()
    ]
    return [
        *shown,
        f"           per observation, preset {result['preset']}, batch {result['batch']}, "
        f"{result['device']}, {result['threads']} threads, on "
        f"{machine.sentence(result['machine'])}",
    ]
