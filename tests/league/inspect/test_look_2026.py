"""What `league look` says of an observation of edition 2026."""

from __future__ import annotations

import numpy as np

from arena.territory.engine.actions import BOAT
from arena.territory.observation.views import N_CHANNELS, SMALL_VIEWS, channel_names, scalar_names
from league.inspect.look import VIEW_NAMES, Sight, measure, regions, version_of

VIEWS = SMALL_VIEWS.of_edition("2026")


def sight() -> Sight:
    """A seat with gold, an ally in the south and a landing in the east."""
    seen = {
        key: np.zeros(shape, np.uint8 if len(shape) == 3 else np.float32)
        for key, shape in VIEWS.shapes().items()
    }
    seen["scalars"][scalar_names(3).index("gold")] = 0.5
    seen["global"][N_CHANNELS] = 51  # a fifth of a city in each cell
    seen["neighbours"][4, [4, 8]] = 1.0
    seen["landings"][2, 0] = 1.0
    return Sight(
        observation=seen,
        action_mask=np.ones(71, np.bool_),
        action=BOAT + 2,
        agent="scripted:builder",
        seat=1,
        decision=3,
        n_decisions=9,
        tick=75,
        max_ticks=300,
        cells=dict.fromkeys(VIEW_NAMES, 1),
        corners=dict.fromkeys(VIEW_NAMES, (0, 0)),
    )


def test_every_number_of_version_3_has_its_name() -> None:
    numbers = measure(sight(), None)
    assert numbers["action_name"] == "BOAT E"
    assert list(numbers["scalars"]) == scalar_names(3) and numbers["scalars"]["gold"] == 0.5
    assert list(numbers["channel_means"]["global"]) == list(channel_names(3))
    assert numbers["channel_means"]["global"]["city"] == 0.2
    assert [n["directions"] for n in numbers["neighbours"]] == [["S"]]
    assert numbers["neighbours"][0]["is_ally"] == 0.0
    assert [(each["direction"], each["is_legal"]) for each in numbers["landings"]] == [("E", 1.0)]
    assert set(regions(sight().observation["global"])) >= {"own", "water"}


def test_the_version_is_told_by_what_is_there() -> None:
    seen = sight().observation
    assert version_of(seen) == 3
    assert version_of({k: v for k, v in seen.items() if k != "landings"}) == 2
    assert version_of({"scalars": seen["scalars"]}) == 1
