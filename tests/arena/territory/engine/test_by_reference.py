"""Named tuples of arrays that compiled functions get as a pointer."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from arena.territory.engine.by_reference import by_reference
from arena.territory.engine.compiled import compiled


@by_reference
class Shelf(NamedTuple):
    books: NDArray[np.int64]  # [n]
    pages: NDArray[np.float64]  # [n, 2]
    notes: NDArray[np.uint8]  # [n]


@compiled(internal=True)
def _sort_in(shelf: Shelf, at: int, book: int) -> None:
    shelf.books[at] = book
    shelf.notes[0] += 1


@compiled()
def rearrange(shelf: Shelf) -> float:
    """Change what is read again in the same call."""
    total = 0.0
    for i in range(shelf.books.shape[0] - 1):
        _sort_in(shelf, i + 1, shelf.books[i] + shelf.books[i + 1])
        shelf.pages[i, 1] = shelf.pages[i, 0] + shelf.notes[0]
        total += shelf.pages[i, 1] + shelf.books[i + 1]
    return total


def shelf(n: int) -> Shelf:
    return Shelf(np.arange(1, n + 1), np.arange(2.0 * n).reshape(n, 2), np.full(n, 3, np.uint8))


def test_compiled_code_reads_in_a_call_what_the_call_has_written() -> None:
    ours = shelf(50)
    total = rearrange(ours)
    books = np.cumsum(np.arange(1, 51))
    notes = 3 + np.arange(1, 50)
    assert ours.books.tolist() == books.tolist()
    assert ours.pages[:-1, 1].tolist() == (2.0 * np.arange(49) + notes).tolist()
    assert ours.notes.tolist() == [52, *[3] * 49]
    assert total == ours.pages[:-1, 1].sum() + books[1:].sum()


def test_every_call_gets_the_arrays_that_its_tuple_has_then() -> None:
    first = shelf(3)
    rearrange(first)
    other = first._replace(books=np.array([5, 6, 7, 8]))
    rearrange(other)
    assert first.books.tolist() == [1, 3, 6]
    assert other.books.tolist() == [5, 11, 18, 26]
