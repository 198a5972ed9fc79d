"""Territory as standard environments: `TerritoryEnv` (PettingZoo) and `SoloEnv` (Gymnasium).

Both are thin wrappers around the lock-step core that rated matches use, so a match played here ends
in the same state, bit for bit, as the same match anywhere else. The reward is 0 until a seat's
episode ends, then its placement in [-1, 1]. An episode ends with the seat's death or with the
match; the time limit `max_ticks` is a rule of the game and is observed, so it terminates and never
truncates.

Chance: `reset(seed=s)` plays the match of seed s (spawns, seats and all streams follow from it);
`reset()` takes the next seed from the environment's own PCG64 generator, which `reset(seed=s)`
restarts. Same seeds, same actions: same observations on every platform.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import gymnasium
import numpy as np
from numpy.random import PCG64, Generator
from numpy.typing import NDArray
from pettingzoo import ParallelEnv

from arena.agent import Agent, LoadAgent
from arena.board_picture import board_picture, board_text
from arena.errors import MatchError
from arena.lockstep import LiveMatch, Lockstep, as_dict
from arena.reward import placement_reward
from arena.territory.engine.actions import WAIT
from arena.territory.engine.engine import Engine
from arena.territory.engine.rules import MatchRules
from arena.territory.engine.terms import HUMAN_TERMS, TRIBE_TERMS
from arena.territory.maps import TerritoryMap, load_map
from arena.territory.observation import observation as obs
from arena.territory.observation.keys import VIEW_NAMES
from arena.territory.observation.space import framed, observation_space
from arena.territory.observation.views import SMALL_VIEWS, Views

DEFAULT_MAP = "generated:continents:128x128:7"
Observation = dict[str, NDArray[Any]]
Opponents = str | Agent | Sequence[str | Agent]

_RENDER_MODES = ("rgb_array", "ansi")
_PICTURE_SIDE = 512  # pixels; smaller maps are enlarged to about this


# --- one match behind both environments -----------------------------------------------------------


class _Table:
    """A map, rules and views, and the match played with them, in a lock-step core of one."""

    def __init__(
        self,
        territory: TerritoryMap | str | Path,
        rules: MatchRules | None,
        views: Views,
        render_mode: str | None,
        with_frames: bool,
    ) -> None:
        if render_mode is not None and render_mode not in _RENDER_MODES:
            raise MatchError(
                f"render_mode: expected None or one of {', '.join(_RENDER_MODES)}, found "
                f"{render_mode!r}"
            )
        self.map = territory if isinstance(territory, TerritoryMap) else load_map(territory)
        self.rules = rules or MatchRules()
        self.views = views.of_edition(self.rules.edition)
        self._with_frames = with_frames
        self.render_mode = render_mode
        self.core = Lockstep(1, self.views)
        self._actions = np.zeros(len(self.core.alive), np.int64)
        self._match: LiveMatch | None = None

    @property
    def match(self) -> LiveMatch:
        if self._match is None:
            raise MatchError("no match is being played; call reset() first")
        return self._match

    def begin(
        self,
        seed: int,
        options: dict[str, Any] | None,
        agents: Sequence[Agent | None] | None = None,
        terms: Sequence[str] = (),
    ) -> None:
        n_seats = self.rules.n_seats
        self._match = LiveMatch(
            self.map,
            self.rules,
            self.views,
            seed,
            int((options or {}).get("rotation", 0)),
            agents or [None] * n_seats,
            terms,
        )
        self.core.begin(0, self._match)
        self.core.refresh()

    def advance(self, actions: dict[int, Any]) -> None:
        """Play one decision; agents are asked, and living seats without an action WAIT."""
        if self.match.engine.is_over:
            raise MatchError("the match is over; call reset() to begin another")
        self._actions[:] = WAIT
        self.core.ask_agents(self._actions)
        for seat, action in actions.items():
            self._actions[seat] = int(action)
        self.core.advance(self._actions)
        self.core.refresh()

    def spaces(self) -> tuple[gymnasium.spaces.Dict, gymnasium.spaces.Discrete]:
        """Return what a seat sees and chooses from, by the edition of the rules."""
        seen = observation_space(self.views, with_frames=self._with_frames)
        return seen, gymnasium.spaces.Discrete(self.views.n_actions)

    def observe(self, seats: Sequence[int]) -> list[Observation]:
        """Return each seat's observation, in new arrays; dead seats see zeros and may only wait."""
        rows = np.array(seats, np.int64)
        buffers = obs.empty_views(len(rows), self.views)
        if len(rows):
            self.core.observe(rows, buffers)
        values: dict[str, NDArray[Any]] = as_dict(buffers)
        if self._with_frames:
            values |= {key: framed(values[key]) for key in VIEW_NAMES}
        values["action_mask"] = self.core.facts.mask[rows]
        return [{key: value[i] for key, value in values.items()} for i in range(len(rows))]

    def outcome(self, seat: int) -> tuple[float, bool, dict[str, Any]]:
        """Return (reward, whether the seat's episode is over, additions to its info)."""
        if not self.match.engine.is_over and self.match.living[seat]:
            return 0.0, False, {}
        # A dead seat's placement is final: all living seats are above it, whatever happens.
        placement = self.match.engine.placements()[seat]
        return placement_reward(placement, self.rules.n_players), True, {"placement": placement}

    def render(self) -> NDArray[np.uint8] | str | None:
        if self.render_mode is None:
            gymnasium.logger.warn("render() needs render_mode='rgb_array' or 'ansi'")
            return None
        if self.render_mode == "ansi":
            return board_text(self.match.engine)
        picture = board_picture(self.match.engine)
        factor = max(1, _PICTURE_SIDE // max(picture.shape[:2]))
        return picture.repeat(factor, axis=0).repeat(factor, axis=1)


class TerritoryEnv(ParallelEnv[str, Observation, int]):  # type: ignore[misc]  # untyped package
    """A match as a PettingZoo parallel environment: agents `seat_0` .. `seat_9`.

    Every step is one decision of all living seats (`ticks_per_decision` ticks). A living seat
    without an action waits; an illegal action counts as WAIT. `infos` hold the `action_mask`,
    int8[45] (71 in edition 2026), and at the end of a seat its `placement`. A dead seat's last
    observation is zeros.

    Args:
        map: a map, or a map reference (arena.territory.maps).
        rules: length of the match, number of seats, edition; None takes the defaults.
        views: sizes of the three views; the edition says which version of the observation.
        render_mode: "rgb_array" (uint8[h, w, 3]), "ansi" (text with ANSI colours) or None.
        with_frames: show views of fewer than 36 cells in a frame of zeros (docs/observation.md);
            False shows them as they are.

    `reset` takes the option `rotation`: the number of spawns by which the seats are shifted.

    Raises:
        MapError, MatchError: an argument cannot be played, or `step` was called without a match.
    """

    metadata: ClassVar[dict[str, Any]] = {
        "name": "territory_v0",
        "render_modes": list(_RENDER_MODES),
        "render_fps": 10,
        "is_parallelizable": True,
    }

    def __init__(
        self,
        map: TerritoryMap | str | Path = DEFAULT_MAP,
        rules: MatchRules | None = None,
        views: Views = SMALL_VIEWS,
        render_mode: str | None = None,
        *,
        with_frames: bool = True,
    ) -> None:
        self._table = _Table(map, rules, views, render_mode, with_frames)
        self.render_mode = render_mode
        self.possible_agents = [f"seat_{seat}" for seat in range(self._table.rules.n_seats)]
        self.agents: list[str] = []
        self._seat_of = {agent: seat for seat, agent in enumerate(self.possible_agents)}
        spaces = {agent: self._table.spaces() for agent in self._seat_of}
        self.observation_spaces = {agent: seen for agent, (seen, _) in spaces.items()}
        self.action_spaces = {agent: chosen for agent, (_, chosen) in spaces.items()}
        self._generator = Generator(PCG64())

    def observation_space(self, agent: str) -> gymnasium.spaces.Dict:
        """Return the agent's observation space, the same object every time."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> gymnasium.spaces.Discrete:
        """Return the agent's action space, the same object every time."""
        return self.action_spaces[agent]

    @property
    def engine(self) -> Engine:
        """The board of the current match, for reading."""
        return self._table.match.engine

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Observation], dict[str, dict[str, Any]]]:
        """Begin a match; see the module's docstring for what the seed decides."""
        if seed is not None:
            self._generator = Generator(PCG64(seed))
        match_seed = int(self._generator.integers(2**62)) if seed is None else seed
        self._table.begin(match_seed, options)
        self.agents = list(self.possible_agents)
        observations = self._observe(self.agents)
        return observations, self._infos(observations)

    def step(
        self, actions: dict[str, int]
    ) -> tuple[
        dict[str, Observation],
        dict[str, float],
        dict[str, bool],
        dict[str, bool],
        dict[str, dict[str, Any]],
    ]:
        """Play one decision; return observations, rewards, terminations, truncations, infos."""
        acting = self.agents
        self._table.advance(
            {self._seat_of[name]: actions[name] for name in acting if name in actions}
        )
        observations = self._observe(acting)
        infos = self._infos(observations)
        rewards, terminations = {}, {}
        for agent in acting:
            reward, ended, info = self._table.outcome(self._seat_of[agent])
            rewards[agent], terminations[agent] = reward, ended
            infos[agent] |= info
        self.agents = [agent for agent in acting if not terminations[agent]]
        return observations, rewards, terminations, dict.fromkeys(acting, False), infos

    def _observe(self, agents: Sequence[str]) -> dict[str, Observation]:
        seen = self._table.observe([self._seat_of[agent] for agent in agents])
        return dict(zip(agents, seen, strict=True))

    def _infos(self, observations: dict[str, Observation]) -> dict[str, dict[str, Any]]:
        return {agent: {"action_mask": seen["action_mask"]} for agent, seen in observations.items()}

    def render(self) -> NDArray[np.uint8] | str | None:
        """Draw the board in the chosen mode."""
        return self._table.render()

    def state(self) -> NDArray[np.uint8]:
        """Return owner ids, uint8[height, width]: 0 neutral, spawn index + 1, 255 water."""
        return self.engine.owner.copy()

    def close(self) -> None:
        """Do nothing: there is nothing to close."""


class SoloEnv(gymnasium.Env[Observation, np.int64]):
    """One seat of a match as a Gymnasium environment, registered as `Territory-v0`.

    The other seats are the engine's own bots (kind `bot`: smaller caps, for practice), or given
    agents. The episode ends with the seat's death or with the match; play stops there.

    Args:
        map, rules, views, render_mode, with_frames: as in `TerritoryEnv`.
        opponents: None for the engine's bots; an agent or agent spec for all other seats; or one
            per other seat, in order of seats.
        load_agent: turns agent specs into agents, such as `agents.registry.make_loader()`.
        seat: the seat to play; seats are labels, the seed decides where they start.

    Raises:
        MapError, MatchError: an argument cannot be played, or `step` was called without a match.
        AgentFault: an opponent failed.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012  # Gymnasium declares it as an instance variable
        "render_modes": list(_RENDER_MODES),
        "render_fps": 10,
    }

    def __init__(
        self,
        map: TerritoryMap | str | Path = DEFAULT_MAP,
        rules: MatchRules | None = None,
        views: Views = SMALL_VIEWS,
        render_mode: str | None = None,
        *,
        with_frames: bool = True,
        opponents: Opponents | None = None,
        load_agent: LoadAgent | None = None,
        seat: int = 0,
    ) -> None:
        self._table = _Table(map, rules, views, render_mode, with_frames)
        self.render_mode = render_mode
        n_seats = self._table.rules.n_seats
        if not 0 <= seat < n_seats:
            raise MatchError(
                f"seat: expected 0 to {n_seats - 1} in a match of {n_seats}, found {seat}"
            )
        self._seat = seat
        self._agents: list[Agent | None] = [None] * n_seats
        self._terms: tuple[str, ...] = ()
        if opponents is None:
            bots = (TRIBE_TERMS,) * (n_seats - 1)
            self._terms = (*bots[:seat], HUMAN_TERMS, *bots[seat:])
        else:
            seated = _seat_opponents(opponents, load_agent, n_seats - 1)
            self._agents = [*seated[:seat], None, *seated[seat:]]
        self._ended = True
        self.observation_space: gymnasium.Space[Any]
        self.observation_space, self.action_space = self._table.spaces()

    @property
    def engine(self) -> Engine:
        """The board of the current match, for reading."""
        return self._table.match.engine

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Begin a match; see the module's docstring for what the seed decides."""
        super().reset(seed=seed)
        match_seed = int(self.np_random.integers(2**62)) if seed is None else seed
        self._table.begin(match_seed, options, self._agents, self._terms)
        self._ended = False
        seen = self._table.observe([self._seat])[0]
        return seen, {"action_mask": seen["action_mask"]}

    def step(self, action: np.int64 | int) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Play one decision; return observation, reward, terminated, truncated (never), info."""
        if self._ended:
            raise MatchError("the episode is over; call reset() to begin another")
        self._table.advance({self._seat: action})
        reward, self._ended, info = self._table.outcome(self._seat)
        seen = self._table.observe([self._seat])[0]
        return seen, reward, self._ended, False, {"action_mask": seen["action_mask"]} | info

    def action_masks(self) -> NDArray[np.bool_]:
        """Return the legal actions, bool[actions]; MaskablePPO asks for them by this name."""
        mask: NDArray[np.bool_] = self._table.core.facts.mask[self._seat].astype(np.bool_)
        return mask

    def render(self) -> NDArray[np.uint8] | str | None:
        """Draw the board in the chosen mode."""
        return self._table.render()


def _seat_opponents(
    opponents: Opponents, load_agent: LoadAgent | None, n: int
) -> list[Agent | None]:
    """Return one agent per other seat; equal specs share one agent, as in any match."""
    alone = isinstance(opponents, str) or not isinstance(opponents, Sequence)
    listed: list[str | Agent] = [opponents] * n if alone else list(opponents)  # type: ignore
    if len(listed) != n:
        raise MatchError(f"opponents: expected one agent, or {n} of them, found {len(listed)}")
    loaded: dict[str, Agent] = {}
    for name in listed:
        if isinstance(name, str) and name not in loaded:
            if load_agent is None:
                raise MatchError(
                    f"opponents: the spec {name!r} needs load_agent, such as "
                    "agents.registry.make_loader()"
                )
            loaded[name] = load_agent(name)
    return [loaded[agent] if isinstance(agent, str) else agent for agent in listed]
