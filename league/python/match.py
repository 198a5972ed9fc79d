"""Owns a match in Python: who played, what came out, and the board at every decision."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from league.python.frames import frame, page

if TYPE_CHECKING:
    import numpy as np
    import pandas
    from numpy.typing import NDArray

    from arena.replay import Replay

WATER = 255  # in the frames, as in the engine's owners
SEAT_COLUMNS = (
    *("seat", "name", "agent", "place", "tiles", "troops", "eliminated_tick", "illegal_actions"),
)


@dataclass(frozen=True)
class SeatResult:
    """What became of one seat; `eliminated_tick` is None for one that lived to the end."""

    seat: int
    name: str
    agent: str
    place: int
    tiles: int
    troops: int
    eliminated_tick: int | None
    illegal_actions: int


@dataclass(frozen=True, repr=False)
class Match:
    """A finished match, of the league or just played (`League.match`, `League.play`).

    Attributes:
        id: its number in the league; None for one that was just played.
        map: its map, as a reference.
        seed, ticks: what determined it, and how long it took.
        purpose: "rating", "pit" or "canary" in a league, "play" if it was just played.
        finished_at: UTC.
        results: of the seats, in seat order.
    """

    id: int | None
    map: str
    seed: int
    ticks: int
    purpose: str
    finished_at: datetime
    results: tuple[SeatResult, ...]
    _load: Callable[[], Replay] = field(repr=False)
    _maps: Path = field(repr=False)

    @property
    def seats(self) -> pandas.DataFrame:
        """A row per seat: seat, name, agent, place, tiles, troops, eliminated_tick, and more."""
        return frame((vars(row) for row in self.results), SEAT_COLUMNS)

    @property
    def winners(self) -> tuple[str, ...]:
        """Names in the first place, which ties share."""
        return tuple(row.name for row in self.results if row.place == 1)

    @property
    def replay(self) -> Replay:
        """The recorded match; raises FolderError where it was pruned or never kept."""
        return self._load()

    def frames(self, every: int = 1) -> NDArray[np.uint8]:
        """Return who owned each tile, uint8[n, height, width]: seat + 1, 0 nobody, 255 water.

        The first frame is the start, the last one the end; between them stands every `every`-th
        decision. The match is played back from its recorded actions: 0.1 s for one of `small`.

        Raises:
            ValueError: `every` is below 1.
            ReplayError, MapError, MatchError: it cannot be played back.
        """
        import numpy as np

        from arena.replay import playing
        from arena.territory.maps import load_map

        if every < 1:
            raise ValueError(f"every: expected 1 or more, found {every}")
        found: list[NDArray[np.uint8]] = []
        for live, _ in playing(self.replay, lambda reference: load_map(reference, base=self._maps)):
            engine = live.engine
            if live.n_decisions % every and not engine.is_over:
                continue
            seat = np.zeros(256, np.uint8)
            seat[1 : engine.n_players + 1] = engine.seat_of + 1
            seat[WATER] = WATER
            found.append(seat[engine.owner])
        return np.stack(found)

    def to_html(self, path: str | Path, *, seat: int | None = None) -> Path:
        """Write a page that shows the match in a browser, one file that asks no server.

        `league replay show --html` writes the same, and can show what the networks attended to.

        Args:
            path: a new file, or one to replace.
            seat: followed when the page opens; None follows nobody.

        Raises:
            ReplayError, MapError, MatchError: the match cannot be played back.
            OSError: the file cannot be written.
        """
        from arena.files import write_whole
        from arena.territory.maps import load_map
        from arena.viewer.page import viewer_html
        from arena.viewer.payload import Says, replay_payload

        title = f"Match {self.id}" if self.id is not None else f"{self.map}, seed {self.seed}"
        says = Says(title, [row.name for row in self.results], follow=seat)
        payload = replay_payload(
            self.replay, lambda reference: load_map(reference, base=self._maps), says
        )
        target = Path(path).expanduser()
        write_whole(target, viewer_html(payload).encode())
        return target

    def __repr__(self) -> str:
        number = "Match" if self.id is None else f"Match {self.id}"
        return f"<{number}: {', '.join(self.winners)} won on {self.map} after {self.ticks:,} ticks>"

    def _repr_html_(self) -> str:
        rows = sorted(self.results, key=lambda row: (row.place, row.seat))
        return page(
            "Match" if self.id is None else f"Match {self.id}",
            f"{self.map}, seed {self.seed}, {self.ticks:,} ticks, {self.purpose}",
            ("place", "name", "seat", "tiles", "troops", "eliminated at"),
            [
                (row.place, row.name, row.seat, row.tiles, row.troops, row.eliminated_tick)
                for row in rows
            ],
        )
