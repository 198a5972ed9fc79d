"""Owns the comparison of the stored ratings with a replay of the rating log, and re-rating.

Promises: comparing changes nothing. Re-rating replaces all ratings of a season by those of another
engine in one transaction, together with the setting that names the engine: after a crash the league
has the one or the other. It loses nothing, since ratings are a view of the match log.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from db import queries
from db.session import write_transaction
from league.config.layers import read_toml
from league.errors import FolderError, RatingError
from league.folder.connect import reading, writer
from league.folder.layout import STORED_KEY, LeagueFolder
from league.folder.memory import started_settings, stored_season
from league.rating.engines import rating_version
from league.rating.season import Season
from league.rating.standings import scale_anchor_id, scale_shift


@dataclass(frozen=True)
class Rerated:
    """A replayed log: whether it equals what is stored, and the reported ratings by member name.

    `online` is (mu, sigma) as played, `smoothed` is order-free, or empty if it was not asked for;
    `versions` are the rating versions of the stored ratings.
    """

    n_changes: int
    first_difference_seq: int | None
    online: dict[str, tuple[float, float]]
    smoothed: dict[str, tuple[float, float]]
    versions: tuple[str, ...]


@dataclass(frozen=True)
class Changed:
    """What re-rating did: rows, versions before and after, the largest move of a final rating."""

    n_changes: int
    versions: tuple[str, ...]
    version: str
    largest_move: float


def rerate(
    folder: LeagueFolder,
    *,
    with_smooth: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Rerated:
    """Replay the rating log of the present season and compare it with the stored ratings.

    Args:
        progress: hears of the order-free ratings, which take most of the time (`smooth`).
    """
    from league.rating import replay
    from league.rating.smoothing import smooth

    with reading(folder) as session:
        season = stored_season(session)
        members = queries.list_members(session)
        log = queries.rating_columns(session, "" if season is None else season.rules_sha256)
    names = {member.id: member.name for member in members}
    after = replay.replay_columns(log)
    different = replay.first_different_row(log, *after)
    smoothed = smooth(log, progress=progress) if with_smooth else {}
    anchor = scale_anchor_id(members)

    def named(ratings: dict[int, tuple[float, float]]) -> dict[str, tuple[float, float]]:
        shift = scale_shift(ratings, anchor)
        order = sorted(ratings, key=lambda member_id: (-ratings[member_id][0], member_id))
        return {names[i]: (ratings[i][0] + shift, ratings[i][1]) for i in order}

    return Rerated(
        n_changes=len(log),
        first_difference_seq=None if different is None else int(log.seq[different]),
        online=named(replay.final_ratings(log, *after)),
        smoothed=named(smoothed),
        versions=log.versions,
    )


def change_engine(folder: LeagueFolder, engine: str) -> Changed:
    """Rate the matches of the present season anew by an engine, which the league has from now on.

    The caller holds the league's lock, so that no daemon rates meanwhile.

    Raises:
        FolderError: the league has never been started, or `league.toml` names another engine.
        RatingError: the stored ratings are not those of the log: re-rating would hide the damage.
    """
    from league.rating import replay

    _check_toml(folder, engine)
    with writer(folder) as database, write_transaction(database) as session:
        settings = started_settings(session, folder)
        season = Season.of(settings)
        log = queries.rating_columns(session, season.rules_sha256)
        before = replay.replay_columns(log)
        different = replay.first_different_row(log, *before)
        if different is not None:
            raise RatingError(
                f"expected stored ratings that equal their replay, found a difference at seq "
                f"{log.seq[different]}; restore a backup, or see `league doctor --all`"
            )
        version = rating_version(engine)
        mu, sigma = replay.replay_columns(log, version=version)
        queries.replace_ratings(session, log.seq.tolist(), mu.tolist(), sigma.tolist(), version)
        settings["rating"] = {**settings["rating"], "engine": engine}
        queries.set_league_value(session, STORED_KEY, settings)
        old = replay.final_ratings(log, *before)
        new = replay.final_ratings(log, mu, sigma)
        moves = [abs(new[i][0] - old[i][0]) for i in new]
        changed = Changed(len(log), log.versions, version, max(moves, default=0.0))
        queries.add_event(
            session,
            "rerated",
            f"{changed.n_changes} rating changes were rated anew by {version}, before by "
            f"{', '.join(log.versions) or 'none'}; the largest move of a rating is "
            f"{changed.largest_move:.2g}",
            details={"from": list(log.versions), "to": version, "move": changed.largest_move},
        )
    return changed


def _check_toml(folder: LeagueFolder, engine: str) -> None:
    """Refuse while `league.toml` names another engine: the next start would be refused."""
    rating = read_toml(folder.toml).get("rating")
    named = rating.get("engine") if isinstance(rating, dict) else None
    if named not in (None, engine):
        raise FolderError(
            f"{folder.toml}: expected rating.engine = {engine!r} there first, found {named!r}; "
            "change that line, then run this command again"
        )
