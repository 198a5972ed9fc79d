"""A checkout with one map whose engine is fake_peer.py: games of the lobby without Node."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from league.bridge.checkout import Bundle, Checkout
from tests.league.bridge.conftest import PEER

SIDE = 64


@dataclass(frozen=True)
class PeerBundle(Bundle):
    """A bundle whose command is the peer."""

    mode: str = "play"

    @property
    def command(self) -> tuple[str, ...]:
        return (sys.executable, str(PEER), self.mode)


def write_checkout(root: Path) -> Path:
    """Write a checkout with one map, all land, and return its folder."""
    folder = root / "of" / "resources" / "maps" / "tiny"
    folder.mkdir(parents=True)
    size = {"width": SIDE, "height": SIDE, "num_land_tiles": SIDE * SIDE}
    nations = [{"name": "A", "coordinates": [20, 20]}, {"name": "B", "coordinates": [100, 110]}]
    manifest = {"map": {**size, "width": 128, "height": 128}, "map4x": size, "nations": nations}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / "map4x.bin").write_bytes(np.full(SIDE * SIDE, 128, np.uint8).tobytes())
    return root / "of"


def bundle_of(checkout: Path, mode: str = "play") -> PeerBundle:
    found = Checkout(checkout, "2026", None)
    return PeerBundle(found, "node", "v20", checkout / "bundle.mjs", mode=mode)
