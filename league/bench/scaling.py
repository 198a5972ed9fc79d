"""What N machines would give, from what the parts cost here: the model of `league bench scale`.

Nothing is measured here. docs/speed.md has the formulas in words, and what they leave out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

MAIN_PHASES = ("game", "network", "update")
SUMS_PER_EPOCH, SUMS_PER_UPDATE = 2, 3  # small ones, besides that of each step of the optimizer


@dataclass(frozen=True)
class LearnerPart:
    """What a decision of a learner costs one of its ranks on one kind of device.

    Attributes:
        alone: phase of MAIN_PHASES -> seconds per decision, with all matches and whole minibatches.
        halved: the same with half of the matches and half of each minibatch, as a rank of two has
            them; None where they cannot be halved.
        jitter: standard deviation of the time of a rollout over its mean.
    """

    alone: Mapping[str, float]
    halved: Mapping[str, float] | None
    jitter: float = 0.0

    def seconds(self, phase: str, ranks: int) -> float:
        """Return the seconds per decision of one of so many ranks: what is fixed costs each more.

        A pass over n rows takes f + g n, so that a row of n / ranks costs g + f ranks / n.
        """
        one = self.alone[phase]
        fixed = 0.0 if self.halved is None else max(0.0, self.halved[phase] - one)
        return one + min(fixed, one) * (ranks - 1)


@dataclass(frozen=True)
class Parts:
    """What was measured.

    Attributes:
        match_s: processor time of a worker for a match.
        manager_s: processor time of the manager for planning, recording and rating a match.
        call_s: processor time of the manager for sending a match to a worker and its result back.
        sizes: bytes of "spec", "result", "replay", "snapshot", "update" and "gradient".
        sum_s, small_sum_s: seconds of adding up a gradient, or two numbers, between two ranks here.
        learner: by device, "cpu" and "cuda"; a device without an entry was not measured.
        n_matches, n_steps, batch_size, n_epochs, snapshot_every: of the learners' settings.
        threads: cores of a rank.
    """

    match_s: float
    manager_s: float
    call_s: float
    sizes: Mapping[str, float]
    sum_s: float
    small_sum_s: float
    learner: Mapping[str, LearnerPart]
    n_matches: int
    n_steps: int
    batch_size: int
    n_epochs: int
    snapshot_every: int
    threads: int = 1

    def best_ranks(self, places: int) -> int:
        """Return the largest number of ranks, up to `places`, that can share the settings."""
        whole = math.gcd(self.n_matches, math.gcd(self.n_steps, self.batch_size))
        return max(n for n in range(1, max(1, places) + 1) if whole % n == 0)


@dataclass(frozen=True)
class Cluster:
    """Machines alike, and what runs on them.

    Attributes:
        nodes, cores, gpus: how many, and of each.
        lineages, ranks: learners, and the processes of each; ranks None takes one per GPU, or half
            of the cores, as far as the settings can be shared.
        workers: None takes the cores that manager and learners leave.
        gbit: speed of a node's connection, 10^9 bits a second.
        latency_s: of a message between two nodes.
    """

    nodes: int
    cores: int
    gpus: int = 0
    lineages: int = 2
    ranks: int | None = None
    workers: int | None = None
    gbit: float = 10.0
    latency_s: float = 50e-6

    @property
    def all_cores(self) -> int:
        """Cores of all nodes."""
        return self.nodes * self.cores

    @property
    def device(self) -> str:
        """Kind of device that learners use."""
        return "cuda" if self.gpus else "cpu"

    @property
    def bytes_per_s(self) -> float:
        """What a node's connection carries one way."""
        return self.gbit * 1e9 / 8.0

    def ranks_of(self, parts: Parts) -> int:
        """Return the ranks of each lineage."""
        if self.ranks is not None or self.lineages == 0:
            return self.ranks or 1
        per_core = parts.threads * self.lineages
        places = self.nodes * self.gpus // self.lineages if self.gpus else self.all_cores // 2
        return parts.best_ranks(places if self.gpus else places // per_core)


def predict(parts: Parts, cluster: Cluster) -> dict[str, Any]:
    """Return what the machines would give, as JSON types: see the keys below.

    `matches_per_s` is the least of `limits`, `first` names it, and `margin` is how many times more
    the next one allows. `decisions_per_s` is of all lineages together; None where the device of the
    learners was not measured: `at_most` then is what the game alone would allow.
    """
    ranks = cluster.ranks_of(parts)
    learning = cluster.lineages * ranks * parts.threads
    workers = cluster.workers
    if workers is None:
        workers = max(1, cluster.all_cores - 1 - learning)
    manager_s = parts.manager_s + parts.call_s
    manager_load = min(1.0, workers * manager_s / parts.match_s)
    share = min(1.0, cluster.all_cores / (workers + learning + manager_load))
    learners = _learners(parts, cluster, ranks, share)
    carried = _carried(parts, cluster, learners["decisions_per_s"] or learners["at_most"])
    per_match = sum(parts.sizes[name] for name in ("spec", "result", "replay"))
    limits = {
        "workers": workers * share / parts.match_s,
        "manager": share / manager_s,
        "network": max(0.0, cluster.bytes_per_s - carried) / per_match,
    }
    first, second = sorted(limits, key=lambda name: limits[name])[:2]
    rate = limits[first]
    return {
        "nodes": cluster.nodes,
        "cores": cluster.cores,
        "gpus": cluster.gpus,
        "workers": workers,
        "lineages": cluster.lineages,
        "ranks": ranks,
        "processor_share": share,
        "matches_per_s": rate,
        "limits": limits,
        "first": first,
        "margin": limits[second] / rate if rate > 0.0 else None,
        "manager_full_at_workers": parts.match_s / manager_s,
        "manager_bytes_per_s": rate * per_match + carried,
        **learners,
    }


def _learners(parts: Parts, cluster: Cluster, ranks: int, share: float) -> dict[str, Any]:
    """Return the figures of the lineages; `share` is what a process gets of its core."""
    found: dict[str, Any] = {
        "decisions_per_s": None,
        "at_most": None,
        "cycle": None,
        "longest": None,
        "longest_margin": None,
        "rank_bytes_per_s": 0.0,
    }
    if cluster.lineages == 0:
        return found
    part = parts.learner.get(cluster.device)
    own = parts.n_steps / ranks
    if part is None:  # the game runs on cores, whatever the network runs on
        game_s = parts.learner["cpu"].seconds("game", ranks) * own / share
        found["at_most"] = cluster.lineages * parts.n_steps / game_s
        return found
    shared_gpus = 1.0
    if cluster.gpus:
        shared_gpus = max(1.0, cluster.lineages * ranks / (cluster.nodes * cluster.gpus))
    cycle = {"game": part.seconds("game", ranks) * own / share}
    slower = shared_gpus if cluster.gpus else 1.0 / share
    for phase in ("network", "update"):
        cycle[phase] = part.seconds(phase, ranks) * own * slower
    rollout = cycle["game"] + cycle["network"]
    cycle["wait"] = rollout * part.jitter * longest_of(ranks)
    cycle["exchange"] = _exchange_s(parts, cluster, ranks)
    seconds = sum(cycle.values())
    longest, second = sorted(cycle, key=lambda name: -cycle[name])[:2]
    sent = 2.0 * (ranks - 1) / ranks * parts.sizes["gradient"] * _steps(parts)
    return found | {
        "decisions_per_s": cluster.lineages * parts.n_steps / seconds,
        "cycle": {name: spent / seconds for name, spent in cycle.items()},
        "longest": longest,
        "longest_margin": cycle[longest] / cycle[second] if cycle[second] > 0.0 else None,
        "rank_bytes_per_s": sent / seconds,
    }


def _steps(parts: Parts) -> int:
    """Return the optimizer's steps of an update."""
    return parts.n_epochs * math.ceil(parts.n_steps / parts.batch_size)


def _exchange_s(parts: Parts, cluster: Cluster, ranks: int) -> float:
    """Return the seconds of an update in which ranks add up.

    Of two ranks here it is measured; of more, a ring sends 2 (R - 1) / R times the bytes; between
    nodes the connection is added.
    """
    if ranks == 1:
        return 0.0
    ring = 2.0 * (ranks - 1) / ranks
    places = cluster.gpus or max(1, cluster.cores // parts.threads)
    spans = cluster.nodes > 1 and ranks > places
    wire = ring * parts.sizes["gradient"] / cluster.bytes_per_s if spans else 0.0
    hops = 2 * (ranks - 1) * cluster.latency_s if spans else 0.0
    small = SUMS_PER_EPOCH * parts.n_epochs + SUMS_PER_UPDATE
    return _steps(parts) * (parts.sum_s * ring + wire + hops) + small * (
        parts.small_sum_s * ring + hops
    )


def longest_of(n: int) -> float:
    """Return by how many standard deviations the longest of n normal times exceeds their mean.

    Blom's approximation of the expected largest order statistic; 0 of one.
    """
    if n <= 1:
        return 0.0
    return NormalDist().inv_cdf((n - 0.375) / (n + 0.25))


def _carried(parts: Parts, cluster: Cluster, decisions_per_s: float | None) -> float:
    """Return the bytes a second that the learners make the manager's connection carry."""
    if not decisions_per_s:
        return 0.0
    snapshots = decisions_per_s / parts.snapshot_every * parts.sizes["snapshot"]
    updates = decisions_per_s / parts.n_steps * parts.sizes["update"]
    return snapshots * cluster.nodes + updates  # each node fetches each snapshot once
