"""What a network that leaves a league says about the member that it was: the way to its parent.

An SB3 zip carries it as the model's attribute `league_member`, which training and saving keep, an
ONNX graph in its metadata; a snapshot file is named by its hash. Promises: it is read as JSON
alone, never through a pickle, and whatever is not ours counts as nothing said.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Any

from arena.foreign import parse_json
from msattn.config import FAMILIES

ATTRIBUTE = "league_member"
_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Origin:
    """The member that a network was.

    Attributes:
        sha256: of its snapshot.
        name: what it was called when it left.
        family: of its network.
        trained_decisions: of its lineage until then.
        relation_mask: whether it chose among what agents.relations leaves of the legal actions,
            which is no part of the network: whoever plays it elsewhere applies it first.
    """

    sha256: str
    name: str
    family: str
    trained_decisions: int
    relation_mask: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON types."""
        return asdict(self)


@dataclass(frozen=True)
class Outside:
    """What an SB3 zip says about where its network comes from and what it did since.

    Attributes:
        origin: the member that it was, or None.
        n_steps: environment steps that the model counts; 0 if it does not say.
    """

    origin: Origin | None = None
    n_steps: int = 0

    @property
    def trained_decisions(self) -> int:
        """Decisions of the lineage in all.

        `learn` counts from 0 again unless it is told `reset_num_timesteps=False`.
        """
        before = 0 if self.origin is None else self.origin.trained_decisions
        return self.n_steps if self.n_steps >= before else before + self.n_steps


def read_outside(text: bytes) -> Outside:
    """Read the file `data` of an SB3 zip, JSON with pickles that are left alone."""
    try:
        content = parse_json(text)
    except ValueError:
        return Outside()
    if not isinstance(content, dict):
        return Outside()
    n_steps = content.get("num_timesteps")
    if not isinstance(n_steps, int) or isinstance(n_steps, bool) or n_steps < 0:
        n_steps = 0
    return Outside(_origin(content.get(ATTRIBUTE)), n_steps)


def _origin(said: Any) -> Origin | None:
    if not isinstance(said, dict):
        return None
    sha256, name, family = said.get("sha256"), said.get("name"), said.get("family")
    trained, masked = said.get("trained_decisions"), said.get("relation_mask", False)
    if (
        not (isinstance(sha256, str) and _HASH.fullmatch(sha256))
        or not isinstance(name, str)
        or family not in FAMILIES
        or type(trained) is not int
        or trained < 0
        or type(masked) is not bool
    ):
        return None
    return Origin(sha256, name, family, trained, masked)
