"""What the documents import stays where they say, wherever the code itself has moved."""

from __future__ import annotations

import subprocess
import sys

import pytest

import arena.env
import arena.territory.env
from arena.territory.engine import rules
from arena.territory.maps.references import load_map
from arena.territory.rules import MatchRules


def test_the_environments_are_found_at_their_documented_place() -> None:
    assert arena.territory.env.TerritoryEnv is arena.env.TerritoryEnv
    assert arena.territory.env.SoloEnv is arena.env.SoloEnv


def test_an_unknown_name_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Nobody"):
        _ = arena.territory.env.Nobody


def test_the_documented_place_of_the_environments_does_not_load_them() -> None:
    # The game must not depend on those who play it, so the re-export is lazy.
    program = "import arena.territory.env, sys; assert 'arena.env' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0


def test_maps_and_rules_are_found_at_their_documented_places() -> None:
    assert arena.territory.maps.load_map is load_map
    assert MatchRules is rules.MatchRules
