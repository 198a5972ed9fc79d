"""How much a planner thinks, as part of its spec: `planner:decisions=10,copies=6,candidates=10`.

The budget is work, not time: the same orders come out on every machine.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields

from agents.errors import AgentError

_MOST = {"decisions": 60, "copies": 60, "candidates": 40}


@dataclass(frozen=True)
class Budget:
    """What a planner spends on one decision.

    Attributes:
        decisions: how far it looks ahead, in decisions.
        copies: boards with other chance and other neighbours that a candidate is tried on; a third
            of them decides which third of the candidates is tried on the rest.
        candidates: orders that it tries, WAIT and the strategist's order among them.
    """

    decisions: int = 10
    copies: int = 6
    candidates: int = 10

    @classmethod
    def parse(cls, text: str) -> Budget:
        """Read `decisions=10,copies=6`; what is left out keeps its default, "" is the default.

        Raises:
            AgentError: a key is unknown or named twice, or a number is out of range.
        """
        found: dict[str, int] = {}
        for part in filter(None, text.split(",")):
            key, _, number = part.partition("=")
            most = _MOST.get(key)
            if most is None or key in found:
                raise AgentError(
                    f"planner:{text}: expected each of {', '.join(_MOST)} once at most, found "
                    f"{part!r}; for example planner:decisions=10,copies=6"
                )
            if not (number.isascii() and number.isdigit() and 1 <= int(number) <= most):
                raise AgentError(
                    f"planner:{text}: expected {key} from 1 to {most}, found {number!r}"
                )
            found[key] = int(number)
        return cls(**found)

    def text(self) -> str:
        """Return what differs from the defaults, in the order of the fields: `parse`'s inverse."""
        own, default = asdict(self), asdict(Budget())
        names = [field.name for field in fields(self)]
        return ",".join(f"{name}={own[name]}" for name in names if own[name] != default[name])
