"""Stands in for the original engine's process, so that the pipe is tested without Node.

`python fake_peer.py MODE`. With MODE `play` our own engine plays, and answers as the adapter does:
its board must be equal to the mirror of it. The other modes misbehave. What the original's rules
and its adapter do is tested with a checkout alone (test_original.py).
"""

from __future__ import annotations

import base64
import json
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

import numpy as np

from league.bridge import protocol

Tables = dict[str, protocol.FloatTable]


def send(kind: int, body: bytes) -> None:
    sys.stdout.buffer.write(protocol.HEAD.pack(len(body), kind) + body)
    sys.stdout.buffer.flush()


def text(kind: int, **values: Any) -> None:
    send(kind, json.dumps(values).encode())


class Game:
    """A match of our own engine, told in blocks."""

    def __init__(self, request: dict[str, Any]) -> None:
        from arena.territory.engine.engine import Engine
        from arena.territory.maps import TerritoryMap

        height, width = request["height"], request["width"]
        terrain = np.frombuffer(base64.b64decode(request["terrain"]), np.uint8)
        territory = TerritoryMap.from_terrain("sent", terrain.reshape(height, width))
        players = request["players"]
        self.engine = Engine(territory, len(players), seed=7)
        for p, each in enumerate(players, start=1):
            self.engine.place(p, kind=each["kind"], spawn=(each["x"], each["y"]))
        self.blocks = [self.block(np.zeros_like(self.owners()))]

    def owners(self) -> np.ndarray:
        owner = self.engine.owner
        return np.where(owner > 250, 0, owner).astype(np.int64).reshape(-1)

    def block(self, before: np.ndarray) -> protocol.Block:
        after = self.owners()
        changed = np.flatnonzero(after != before)
        started = np.zeros((0, len(protocol.STARTED)))
        levels = np.zeros(self.engine.n_players, np.int64)
        return protocol.Block(changed, after[changed], self.engine.troops.copy(), levels, started)

    def step(self, ticks: int, orders: list[list[Any]]) -> None:
        for kind, player, *rest in orders:
            if kind == "attack":
                self.engine.order(player, rest[0], rest[1])
            elif kind == "retreat":
                self.engine.retreat(player)
            else:
                raise ValueError(f"unknown order {kind}")
        for _ in range(ticks):
            before = self.owners()
            self.engine.run(1)
            self.blocks.append(self.block(before))

    def board(self) -> bytes:
        e = self.engine
        zeros = np.zeros(e.n_players)
        players = np.column_stack(
            [e.troops, e.tiles, zeros, zeros, zeros, zeros, zeros, zeros, e.tiles > 0]
        ).astype(np.float64)
        attacks = np.array(
            [(i, a, t, troops, 0, -1) for i, (a, t, troops) in enumerate(e.attacks(), 1)], float
        ).reshape(-1, 6)
        tables: Tables = {
            name: np.zeros((0, len(columns))) for name, columns in protocol.TABLES.items()
        }
        tables.update(players=players, attacks=attacks)
        blocks, self.blocks = tuple(self.blocks), []
        return protocol.write_board(protocol.Board(e.tick, blocks, tables))


def a_real_game(request: dict[str, Any]) -> dict[str, Any]:
    """Return what `new` would be asked for: the human where it spawns, tribes on a diagonal."""
    folder = Path(request["checkout"]) / "resources" / "maps" / request["map"]
    name = "map4x" if request["options"]["compact"] else "map"
    size = json.loads((folder / "manifest.json").read_text())[name]
    y, x = divmod(request["players"][0]["tile"], size["width"])
    bots = [
        {"kind": "bot", "x": 12 + 14 * i, "y": 12 + 14 * i}
        for i in range(request["options"]["bots"])
    ]
    return {
        "width": size["width"],
        "height": size["height"],
        "terrain": base64.b64encode((folder / f"{name}.bin").read_bytes()).decode(),
        "players": [{"kind": "human", "x": x, "y": y}, *bots],
    }


def play(games: dict[int, Game], request: dict[str, Any]) -> None:
    slot = request.get("slot", 0)
    if request["op"] == "real":
        games[slot] = Game(a_real_game(request))
        kinds = ["human", *["bot"] * request["options"]["bots"]]
        text(protocol.TEXT, players=[{"kind": kind, "name": kind} for kind in kinds])
        send(protocol.BOARD, games[slot].board())
    elif request["op"] == "record":
        Path(request["file"]).write_text(json.dumps({"commit": request["commit"]}))
        text(protocol.TEXT, turns=301 + games[slot].engine.tick, hashes=4)
    elif request["op"] == "verify":
        text(protocol.TEXT, turns=0, checks=4, broken=None)
    elif request["op"] == "new":
        games[slot] = Game(request)
        text(protocol.TEXT, players=[])
        send(protocol.BOARD, games[slot].board())
    elif request["op"] == "step":
        games[slot].step(request["ticks"], request["orders"])
        send(protocol.BOARD, games[slot].board())
    elif request["op"] == "owners":
        send(protocol.OWNERS, games[slot].owners().astype("<u2").tobytes())
    else:
        games.pop(slot, None)
        text(protocol.TEXT)


def main(mode: str) -> None:
    games: dict[int, Game] = {}
    for line in sys.stdin.buffer:
        request = json.loads(line)
        if request["op"] == "hello":
            text(protocol.TEXT, protocol=99 if mode == "old" else protocol.PROTOCOL)
        elif mode == "plays-otherwise" and request["op"] == "verify":
            text(protocol.TEXT, turns=0, checks=2, broken=700)
        elif mode in ("play", "plays-otherwise"):
            play(games, request)
        elif mode == "hangs":
            time.sleep(60.0)
        elif mode == "dies":
            sys.stderr.write("at somewhere.js:1\nRangeError: out of memory\n    at last line\n")
            sys.exit(3)
        elif mode == "chatters":
            sys.stdout.write("a library said something on the output of the pipe")
            sys.stdout.flush()
        elif mode == "refuses":
            text(protocol.FAULT, error="there is no player 77")
        else:
            send(protocol.OWNERS, b"")


if __name__ == "__main__":
    main(sys.argv[1])
