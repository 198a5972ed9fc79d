"""What of a learner's work goes to its device in which way: found by probes at its start, and said.

Copies, graphs and views pay on a GPU, and each only where a probe finds that it does; on a CPU
everything stays as it was.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from agents.forwards import SharedForwards, probe_graphs
from arena.match import LoadMap
from league.learner.drawn import DRAWN_VERSIONS, DrawnViews, probe_drawing
from league.learner.settings import EnvSettings
from league.ppo.algorithm import LeaguePPO
from msattn.actor_critic import ActorCritic
from msattn.errors import first_line
from msattn.probing import LEAST_GAIN

if TYPE_CHECKING:
    from league.learner.environment import LeagueVecEnv

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class DevicePath:
    """How a learner uses its device.

    Attributes:
        device: of its network.
        forwards: the passes that frozen members share, with CUDA graphs; None without.
        draws: whether views are drawn on the device.
        said: what was found, one clause each.
    """

    device: torch.device
    forwards: SharedForwards | None
    draws: bool
    said: tuple[str, ...]

    @classmethod
    def of(
        cls, device: torch.device, network: object, env: EnvSettings, load_map: LoadMap
    ) -> DevicePath:
        """Ask the probes.

        Args:
            network: of the learner, whose architecture most members have.
        """
        assert isinstance(network, ActorCritic)
        shapes = network.torso.shapes
        copies = "pinned, on a stream of their own" if device.type == "cuda" else "plain"
        forwards, graphs = probe_graphs(device, network, shapes)
        draws, views = _draws(device, network, env, load_map)
        said = (f"copies {copies}", f"graphs of frozen members {graphs}", f"views {views}")
        return cls(device, forwards, draws, said)

    def take(self, env: LeagueVecEnv, ppo: LeaguePPO) -> None:
        """Have the environment draw, if that was found to pay; say what was found, in one line."""
        if self.draws:
            env.drawn = DrawnViews(env.lockstep, env.num_envs, env.settings.views, self.device)
        log.info("on %s: %s", self.device, "; ".join((*self.said, *ppo.form.said)))


def _draws(
    device: torch.device, network: ActorCritic, env: EnvSettings, load_map: LoadMap
) -> tuple[bool, str]:
    """Return whether to draw views on the device, and why."""
    if not len(network.torso.branches):
        return False, "not read"
    if device.type != "cuda":
        return False, "written by the game"
    if env.views.observation_version not in DRAWN_VERSIONS:
        return False, f"written by the game: version {env.views.observation_version} is not drawn"
    try:
        gain, are_equal = probe_drawing(device, env.rules, env.views, env.maps[0], load_map)
    except RuntimeError as error:  # too little memory for the boards, or an operation it lacks
        log.debug("views cannot be drawn", exc_info=True)
        return False, f"written by the game: {first_line(error)}"
    if not are_equal:
        log.warning("the views that %s draws differ from the game's, which are taken", device)
        return False, "written by the game: those that were drawn differ"
    if gain < LEAST_GAIN:
        return False, f"written by the game: drawn {gain:.2f} times as fast"
    return True, f"drawn on the device: {gain:.2f} times as fast"
