"""Owns what a section of the page is: a question, one sentence of the answer, and what is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Section:
    """One section.

    Attributes:
        key: its anchor in the page, and the name of its template.
        answer: one plain sentence, computed from the data.
        view: what the template draws; {} draws the answer alone.
    """

    key: str
    title: str
    question: str
    answer: str
    view: Mapping[str, Any] = field(default_factory=dict)
