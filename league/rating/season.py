"""The season: which ratings belong together, and how a new member starts among them.

Ratings under different rules are never mixed; the rules are frozen with the league, so a league has
one season unless the version of its rules changes with the program.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from arena.territory.engine.rules import MatchRules
from league.rating.engines import DEFAULT_ENGINE, OLD_ENGINE, rating_version


@dataclass(frozen=True)
class Season:
    """The rules that ratings belong to, and how new members start.

    Attributes:
        sigma_allowance: uncertainty added to that of the parent when a snapshot starts, in rating
            points.
        engine: how its matches are rated, one of league.rating.engines.ENGINES.
    """

    rules_sha256: str
    sigma_allowance: float
    engine: str = DEFAULT_ENGINE

    @property
    def rating_version(self) -> str:
        """The version that stands beside each rating of the season."""
        return rating_version(self.engine)

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Season:
        """Return the season of a league's settings in the form of `LeagueConfig.to_json`."""
        rules = MatchRules.from_json(settings["rules"])
        rating = settings["rating"]
        engine = str(rating.get("engine", OLD_ENGINE))
        return cls(rules.sha256(), float(rating["sigma_allowance"]), engine)
