"""Predict who comes first in the newest matches of a real league, from those before.

    PYTHONPATH=. python tests/bench/first_places.py FOLDER [--share 0.8]

The ratings are those after the first 80 % of the matches, and the noises are fitted to them; the
log-loss is that of the winners of the others. Models: TrueSkill (one noise), one noise fitted to
first places, a noise of its own per member (league.rating.first_places).
"""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from db import queries
from league.folder.connect import reading
from league.folder.layout import LeagueFolder
from league.folder.match_columns import MatchMemory
from league.folder.memory import stored_season
from league.rating.columns import MatchColumns
from league.rating.engines import CHAIN_VERSION
from league.rating.first_places import Model, fit
from league.rating.replay import final_ratings, replay_columns
from league.rating.trueskill import BETA

Floats = NDArray[np.float64]


def first_part(columns: MatchColumns, n: int) -> MatchColumns:
    """Return the first n matches."""
    end = columns.starts[n]
    return MatchColumns(
        0,
        columns.match_ids[:n],
        columns.starts[: n + 1],
        columns.members[:end],
        columns.placements[:end],
    )


def losses(model: Model, columns: MatchColumns, begin: int) -> Floats:
    """Return -log P(winner) of each match from `begin` on, but for those with new members."""
    known = set(model.member_ids)
    found = []
    for match in range(begin, columns.n_matches):
        seats = slice(columns.starts[match], columns.starts[match + 1])
        members, places = columns.members[seats], columns.placements[seats]
        if known.issuperset(members.tolist()):
            p = model.chances(members[None])[0]
            found.append(-math.log(p[places == places.min()].mean()))
    return np.array(found)


def main() -> int:
    parser = argparse.ArgumentParser(description="Held-out log-loss of first places.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--share", type=float, default=0.8, help="part to learn from")
    options = parser.parse_args()
    folder = LeagueFolder.at(options.folder)
    with reading(folder) as session:
        season = stored_season(session)
        assert season is not None
        columns = MatchMemory(None).read(session, season.rules_sha256)
        log = queries.rating_columns(session, season.rules_sha256)
    n = int(options.share * columns.n_matches)
    after = replay_columns(log, version=CHAIN_VERSION)
    before = log.match_id < columns.match_ids[n]
    rows = np.flatnonzero(before)
    ratings = final_ratings(
        type(log)(**{k: v[rows] if k != "versions" else v for k, v in vars(log).items()}),
        after[0][rows],
        after[1][rows],
    )
    model = fit(first_part(columns, n), ratings, newest=n)
    assert model is not None
    rating = np.array([ratings[i] for i in model.member_ids])

    def of_one_noise(noise: float) -> Model:
        spread = np.hypot(rating[:, 1], noise)
        return Model(model.member_ids, rating[:, 0], spread, model.bread, model.bread)

    train = first_part(columns, n)
    common = min(np.arange(1.0, 6.0, 0.25), key=lambda b: losses(of_one_noise(b), train, 0).sum())
    base = losses(of_one_noise(BETA), columns, n)
    print(f"{n} matches to learn from, {len(base)} to predict, {len(model.member_ids)} members")
    for name, each in (
        ("TrueSkill", of_one_noise(BETA)),
        (f"one noise, {common}", of_one_noise(common)),
        ("a noise of its own", model),
    ):
        found = losses(each, columns, n)
        gain = found - base
        error = gain.std() / math.sqrt(len(gain))
        print(f"{name:<20} log-loss {found.mean():.4f}  {gain.mean():+.4f} +- {error:.4f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
