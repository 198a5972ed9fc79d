"""What the live screen takes of a core beside a league: reading, drawing and Textual itself.

`python tests/bench/screen_share.py LEAGUE [SECONDS] [--profile]`: the screen of an existing league
at 120 x 40 and 200 x 60 without a terminal, the match on screen playing. Run it beside a league
that runs: one that is stopped never changes. The process that plays matches back is named apart.
"""

from __future__ import annotations

import asyncio
import cProfile
import pstats
import sys
import time
from pathlib import Path

import psutil

from league.folder.layout import LeagueFolder
from league.screen.attach import Elsewhere, recording_of
from league.screen.host import LeagueScreen
from league.screen.reading import ScreenReader
from league.screen.theatre import Projector, Theatre


async def share(root: Path, size: tuple[int, int], seconds: float) -> tuple[float, float]:
    """Return the shares of a core of the screen, and of the process that plays matches back."""
    folder = LeagueFolder.at(root)
    projector = Projector(folder.root)
    with ScreenReader(folder) as reader:
        theatre = Theatre(projector, lambda match: recording_of(folder, match))
        app = LeagueScreen(
            lambda with_log: reader.read(with_log=with_log),
            Elsewhere(folder),
            theatre,
            reader.read(),
        )
        async with app.run_test(size=size):
            await asyncio.sleep(6.0)  # the first readings, the first film
            children = psutil.Process().children(recursive=True)
            began, before = time.process_time(), [child.cpu_times() for child in children]
            await asyncio.sleep(seconds)
            own = (time.process_time() - began) / seconds
            spent = [
                sum(child.cpu_times()[:2]) - sum(old[:2])
                for child, old in zip(children, before, strict=True)
            ]
    projector.close()
    return own, sum(spent) / seconds


def main(arguments: list[str]) -> None:
    """Measure, and print."""
    seconds = next((float(word) for word in arguments[1:] if word.isdecimal()), 30.0)
    profile = cProfile.Profile() if "--profile" in arguments else None
    if profile:
        profile.enable()
    for size in ((120, 40), (200, 60)):
        own, films = asyncio.run(share(Path(arguments[0]), size, seconds))
        print(f"{size[0]} x {size[1]}: screen {own:.1%} of a core, films {films:.1%}")
    if profile:
        profile.disable()
        pstats.Stats(profile, stream=sys.stdout).sort_stats("cumulative").print_stats(60)


if __name__ == "__main__":
    main(sys.argv[1:])
