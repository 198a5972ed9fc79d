"""Owns the names of the three views, in the order in which they are shown and stored."""

from __future__ import annotations

from typing import Final

VIEW_NAMES: Final = ("global", "local", "tactical")
