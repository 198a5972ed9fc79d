"""A learner of edition 2026 has the actions of its edition everywhere."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from agents.relations import relation_mask
from arena.agent import CONTACT, TARGET, TARGET_TROOPS
from arena.territory.engine.actions import ALLY, BUILD, WAIT
from league.config.layers import resolve
from league.errors import ConfigError
from league.learner.trainer import Trainer
from msattn.config import FAMILIES


def test_settings_of_2026_show_its_observation_and_there_is_no_other_switch() -> None:
    config = resolve(sets=["rules.edition=2026"])
    views = config.views.to_views()
    assert config.rules.edition == "2026" and views.observation_version == 3
    assert config.torso.later_scalars == 20
    assert type(config).from_json(config.to_json()) == config
    assert resolve().views.observation_version == 2
    refused = r"views\.observation_version must be one of \(3,\) with rules\.edition 2026, found 2"
    with pytest.raises(ConfigError, match=refused):
        resolve(sets=["rules.edition=2026", "views.observation_version=2"])


@pytest.mark.parametrize("family", FAMILIES)
def test_the_copy_that_plays_the_self_play_seats_has_the_learner_s_actions(family: str) -> None:
    for sets, n_actions in (([], 45), (["rules.edition=2026"], 71)):
        config = resolve(sets=sets)
        views = config.views.to_views()
        trainer: Any = SimpleNamespace(
            settings=SimpleNamespace(env=SimpleNamespace(views=views)),
            orders=SimpleNamespace(family=family),
            shapes=views.shapes(),
            torso=config.torso,
            device="cpu",
        )
        agent = Trainer._make_mirror(trainer)
        assert cast(Any, agent.network).n_actions == n_actions


def test_the_relation_mask_leaves_all_that_is_no_attack() -> None:
    mask = np.ones((1, 71), np.bool_)
    directions = np.zeros((1, 8, 17), np.int64)
    directions[0, :, TARGET] = [1, 2, 3, 4, 5, 6, 7, 8]
    directions[0, :, TARGET_TROOPS] = [80, 70, 60, 50, 40, 30, 20, 10]  # 8, NW, is the weakest
    directions[0, :, CONTACT] = 5
    kept = relation_mask(mask, directions)[0]
    assert np.flatnonzero(kept[:WAIT]).tolist() == [35, 36, 37, 38, 39]
    assert kept[WAIT:].all() and kept[BUILD] and kept[ALLY]
    older = relation_mask(mask[:, :45], directions[:, :, :7])[0]
    np.testing.assert_array_equal(older, kept[:45])
