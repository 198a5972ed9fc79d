"""Owns `league bridge play`: a member in a game as the original's lobby starts it, and its record.

Promises: the game is that of the original: its map, nations, tribes, spawn phase and win check; the
record is checked by the original's own schema, and by playing it again from its start, hash by
hash, before anybody is told that it is there.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.registry import make_loader
from arena.agent import Agent, check_version
from arena.errors import AgentFault, MapError
from arena.foreign import ForeignFileError, parse_json, read_foreign, reason_of
from arena.lockstep import Lockstep
from arena.territory.engine.actions import WAIT
from arena.territory.engine.rules import MAX_SEATS, WIN_SHARE, MatchRules
from arena.territory.engine.spawns import choose_spawns
from arena.territory.maps import TerritoryMap
from arena.territory.observation.views import Views
from league.bridge.checkout import Bundle
from league.bridge.evaluate import edition_for
from league.bridge.match import Bridged, Seat, empty_engine, seed_id
from league.bridge.process import EngineProcess
from league.errors import BridgeError
from league.folder.layout import LeagueFolder
from league.pit.table import laid

_MAX_MANIFEST_BYTES = 4 << 20
_MAX_MAP_BYTES = 64 << 20
_N_PLACES = 24  # that are looked at for the member's start
_NAME = re.compile(r"[^a-zA-Z0-9_ .]+")


@dataclass(frozen=True)
class GameRequest:
    """What the command line asks for.

    Attributes:
        member: name, hash prefix, snapshot file or agent spec.
        map: name of a map of the checkout, such as "pangaea".
        compact: the map at half its size, as the original's compact games have it.
        difficulty: of nations.
        nations: their number; None takes those of the map.
        tribes: their number.
        max_ticks: the game is ended after so many ticks of play.
        seed: of everything that is drawn.
        created_at: when the lobby was made, in ms since 1970, for the record.
    """

    member: str
    map: str = "pangaea"
    compact: bool = True
    difficulty: str = "medium"
    nations: int | None = None
    tribes: int = 100
    max_ticks: int = 6_000
    seed: int = 1
    created_at: int = 0


@dataclass(frozen=True)
class GameReport:
    """What became of a game.

    Attributes:
        place: of the member, among n_players.
        share: of all land, at the end.
        won: whether it had more than 80 % of all land.
        checks: hashes of the record that held when it was played again; 0 without a record.
        turns: of the record, the spawn phase included; 0 without one.
        file: the record; None if none was asked for.
    """

    member: str
    game_id: str
    place: int
    n_players: int
    n_nations: int
    n_tribes: int
    tiles: int
    share: float
    won: bool
    ticks: int
    turns: int
    checks: int
    minutes: float
    file: Path | None


class BridgedGame(Bridged):
    """A running game of the original's lobby; the member has seat 0, the minds the others."""

    def __init__(
        self,
        territory: TerritoryMap,
        match_rules: MatchRules,
        views: Views,
        agent: Agent,
        process: EngineProcess,
        start: Mapping[str, Any],
        difficulty: str,
        edition: str,
    ) -> None:
        seed = int(start["seed"])
        two = replace(match_rules, n_seats=2)
        super().__init__(territory, two, views, seed, 0, [agent, None])
        self.process, self.slot = process, int(start["slot"])
        about, board = process.begin({k: v for k, v in start.items() if k != "seed"})
        self.players = list(about["players"])
        n = len(self.players)
        if n > MAX_SEATS:
            raise BridgeError(
                f"expected at most {MAX_SEATS} players, found {n} in this game; take fewer with "
                "--tribes or --nations"
            )
        self.rules = replace(match_rules, n_seats=n)
        self.agents = [agent, *(None,) * (n - 1)]
        seats = [Seat(str(each["kind"]), difficulty) for each in self.players]
        minds = np.ones(n, np.bool_)
        minds[0] = False
        engine = empty_engine(territory, self.rules, views, seed, seats, edition)
        self.show(engine, views, minds, board)


def play_game(
    request: GameRequest,
    bundle: Bundle,
    folder: LeagueFolder | None,
    out: Path | None,
    progress: Callable[[int, int, int, float], None] = lambda tick, last, place, share: None,
) -> GameReport:
    """Play a game, write its record to `out`, play the record again, and return what became of it.

    Args:
        out: None keeps no record.
        progress: called after every decision with the tick, the last one, the place and the share.

    Raises:
        BridgeError: the checkout has no such map, or the engine refuses the game or its record.
        BridgeEngineError: the engine's process died or hung.
        LeagueError, AgentError: the member cannot play.
    """
    began = time.monotonic()
    territory, nations = map_of(bundle.checkout.root, request.map, compact=request.compact)
    with laid((request.member,), (), folder, stores=False) as table:
        side = table.sides[0]
        match_rules = replace(
            table.rules,
            edition=edition_for(table, bundle, folder),
            max_ticks=request.max_ticks,
            crowd="",
        )
        views = table.views.of_edition(match_rules.edition)
        agent = _agent(table.settings, side.agent_spec)
        check_version(agent, views, side.agent_spec)
        with EngineProcess(bundle.command) as process:
            start = _start(request, bundle, territory, nations, side.name)
            game = BridgedGame(
                *(territory, match_rules, views, agent, process, start, request.difficulty),
                edition=str(bundle.checkout.edition),
            )
            _play(game, views, progress)
            turns = 0 if out is None else _record(process, bundle, out)
        checks = 0 if out is None else check_record(bundle, out)
    kinds = [each["kind"] for each in game.players]
    tiles = int(game.engine.tiles[0])
    return GameReport(
        member=side.name,
        game_id=str(start["game_id"]),
        place=game.engine.placements()[0],
        n_players=len(kinds),
        n_nations=kinds.count("nation"),
        n_tribes=kinds.count("bot"),
        tiles=tiles,
        share=tiles / territory.passable.n_land,
        won=tiles > WIN_SHARE * territory.passable.n_land,
        ticks=game.engine.tick,
        turns=turns,
        checks=checks,
        minutes=(time.monotonic() - began) / 60.0,
        file=out,
    )


def _agent(settings: Mapping[str, Any], spec: str) -> Agent:
    place = settings.get("snapshots")
    return make_loader(Path(place) if isinstance(place, str) else place)(spec)


def _play(
    game: BridgedGame, views: Views, progress: Callable[[int, int, int, float], None]
) -> None:
    lockstep = Lockstep(1, views)
    lockstep.begin(0, game)
    actions = np.full(len(lockstep.alive), WAIT, np.int64)
    engine = game.engine
    n_land = engine.map.n_land
    while not engine.is_over and engine.tiles[0] > 0:
        lockstep.refresh()
        try:
            lockstep.ask_agents(actions)
        except AgentFault as fault:
            raise BridgeError(f"the member failed at tick {engine.tick}: {fault}") from fault
        lockstep.advance(actions)
        place = 1 + int((engine.tiles > engine.tiles[0]).sum())
        progress(engine.tick, engine.max_ticks, place, int(engine.tiles[0]) / n_land)


def _record(process: EngineProcess, bundle: Bundle, out: Path) -> int:
    """Write the record of the game that was played; return its turns."""
    request = {"op": "record", "slot": 0, "file": str(out.resolve())}
    return int(process.ask({**request, "commit": bundle.checkout.commit})["turns"])


def check_record(bundle: Bundle, out: Path) -> int:
    """Play a record again from its start; return how many of its hashes held.

    In a process of its own: the original keeps the maps that it has loaded, with their owners.

    Raises:
        BridgeError: it is no record of this edition, or it plays out otherwise.
    """
    request = {"op": "verify", "file": str(out.resolve()), "checkout": str(bundle.checkout.root)}
    with EngineProcess(bundle.command) as process:
        found = process.ask(request)
    if found["broken"] is not None:
        raise BridgeError(
            f"the record in {out} plays out otherwise from turn {found['broken']} on; please "
            "report it with the command"
        )
    return int(found["checks"])


def _start(
    request: GameRequest,
    bundle: Bundle,
    territory: TerritoryMap,
    nations: NDArray[np.int64],
    name: str,
) -> dict[str, Any]:
    x, y = start_place(territory, nations, request.seed)
    return {
        "op": "real",
        "slot": 0,
        "seed": request.seed,
        "game_id": seed_id(request.seed, "game"),
        "created_at": request.created_at,
        "checkout": str(bundle.checkout.root),
        "map": request.map,
        "players": [
            {
                "id": seed_id(request.seed, 1),
                "name": username(name),
                "tile": y * territory.width + x,
            }
        ],
        "options": {
            "difficulty": request.difficulty,
            "compact": request.compact,
            "bots": request.tribes,
            "nations": _nations(request.nations),
        },
    }


def _nations(n: int | None) -> int | str:
    if n is None:
        return "default"
    return n if n > 0 else "disabled"


def username(name: str) -> str:
    """Return a name that the original takes: 3 to 27 letters, digits, blanks, dots, underscores."""
    plain = " ".join(_NAME.sub(" ", name).split())[:27].strip()
    return plain if len(plain) >= 3 else f"{plain} member".strip()


def start_place(territory: TerritoryMap, nations: NDArray[np.int64], seed: int) -> tuple[int, int]:
    """Return where a member starts: of the places that a match of ours would have, the loneliest.

    Args:
        nations: int64[n, 2], x and y of the places of nations.
    """
    places = choose_spawns(territory.passable, min(_N_PLACES, MAX_SEATS), seed)
    if not len(nations):
        return int(places[0, 0]), int(places[0, 1])
    away = np.abs(places[:, None, :] - nations[None, :, :]).sum(axis=2).min(axis=1)
    x, y = places[int(away.argmax())]
    return int(x), int(y)


def map_of(root: Path, name: str, *, compact: bool) -> tuple[TerritoryMap, NDArray[np.int64]]:
    """Return a map of a checkout, and where its nations are, int64[n, 2].

    Raises:
        BridgeError: the checkout has no such map, or its files are damaged.
    """
    folder = root / "resources" / "maps" / name
    try:
        manifest = parse_json(read_foreign(folder / "manifest.json", _MAX_MANIFEST_BYTES))
        size = manifest["map4x" if compact else "map"]
        raw = read_foreign(folder / ("map4x.bin" if compact else "map.bin"), _MAX_MAP_BYTES)
        terrain = np.frombuffer(raw, np.uint8).reshape(int(size["height"]), int(size["width"]))
        found = [each["coordinates"] for each in manifest["nations"] if "coordinates" in each]
        nations = np.array(found, np.int64).reshape(-1, 2)
        return TerritoryMap.from_terrain(name, terrain), nations // (2 if compact else 1)
    except (ForeignFileError, MapError, ValueError, LookupError, TypeError) as error:
        known = sorted(path.name for path in (root / "resources" / "maps").glob("*/"))
        names = f"; the checkout has {', '.join(known[:12])}, ..." if known else ""
        raise BridgeError(
            f"expected a map of the checkout in {folder}, found none that can be read: "
            f"{reason_of(error)}{names}"
        ) from error
