"""The documented place of `MatchRules`, which is defined in `arena.territory.engine.rules`."""

from arena.territory.engine.rules import MatchRules

__all__ = ("MatchRules",)
