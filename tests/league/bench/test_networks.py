"""`league bench networks` measures both versions of both families side by side."""

from __future__ import annotations

import torch

from league.bench import networks
from league.config.layers import resolve
from msattn.config import FAMILIES
from tests.schemas import fits


def test_all_kinds_of_network_are_measured_side_by_side() -> None:
    threads = torch.get_num_threads()
    try:
        found = networks.run("small", batch=3, repeats=1, device="cpu")
    finally:
        torch.set_num_threads(threads)
    fits(found, "league-bench-networks/1")
    assert list(found["kinds"]) == ["views", "gated views", "no views"]
    # The families at the top are those that a new league trains, as they were before the kinds.
    (chosen,) = (kind for kind, each in found["kinds"].items() if each is found["families"])
    views = {"views": "on", "gated views": "gated", "no views": "off"}[chosen]
    assert resolve("small").torso.views == views
    sizes = {
        kind: {family: each["parameters"] for family, each in families.items()}
        for kind, families in found["kinds"].items()
    }
    assert sizes["views"] == {"attention": 244_319, "baseline": 258_331}
    assert all(25_000 < sizes["no views"][family] < 40_000 for family in FAMILIES)
    for families in found["kinds"].values():
        for each in families.values():
            assert each["largest_logit_difference"] < 1e-4
            assert each["forward_ms"] > 0 and each["update_ms"] > 0
    text = networks.lines(found)
    assert sum("parameters" in line for line in text) == 6
