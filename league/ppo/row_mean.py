"""Owns a mean over the rows of an update, kept on the device until somebody asks.

Promises: `add` reads nothing back, so that an accelerator never waits for it.
"""

from __future__ import annotations

from torch import Tensor


class RowMean:
    """A mean over rows that come in parts."""

    def __init__(self) -> None:
        self._total: Tensor | float = 0.0
        self._n = 0

    def add(self, mean: Tensor, n_rows: int) -> None:
        """Add the mean of `n_rows` rows, a scalar."""
        self._total = self._total + mean.detach() * n_rows
        self._n += n_rows

    def take(self) -> float | None:
        """Return the mean since the last call, or None if nothing was added."""
        mean = float(self._total) / self._n if self._n else None
        self._total, self._n = 0.0, 0
        return mean
