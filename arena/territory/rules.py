"""The documented place of `MatchRules`; the rules are in `arena.territory.engine.rules`."""

from arena.territory.engine.rules import MatchRules

__all__ = ("MatchRules",)
