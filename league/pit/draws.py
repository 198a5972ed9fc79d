"""Draws that a head-to-head can repeat at any time: who sits where, and which map comes when.

They follow from texts alone through SHA-256, not from a generator of numpy, whose streams may
change between versions: a head-to-head that goes on next year must find the seats that it began
with.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeVar

Item = TypeVar("Item")


def shuffled(items: Sequence[Item], key: str) -> tuple[Item, ...]:
    """Return the items in an order drawn from `key`; every order is equally likely."""
    order = sorted(range(len(items)), key=lambda i: _hash(f"{key}:{i}"))
    return tuple(items[i] for i in order)


def drawn(items: Sequence[Item], n: int, key: str) -> tuple[Item, ...]:
    """Return n items, each drawn from all of them with equal chances, independently."""
    return tuple(items[_hash(f"{key}:{i}") % len(items)] for i in range(n))


def stratified(groups: Sequence[Sequence[Item]]) -> tuple[Item, ...]:
    """Return the items of all groups so that every prefix holds them in the groups' proportions.

    The next item comes from the group that lags most behind its share, the first of several. A
    group of 8 and two of 4 give 1, 2, 3, 1, and so on: 2 : 1 : 1 of every four, where one group
    after the other gave 8 : 0 : 0 of the first eight.
    """
    n_all = sum(len(group) for group in groups)
    taken = [0] * len(groups)
    order = []
    for i in range(1, n_all + 1):
        # In whole numbers: the lag behind i * len(group) / n_all, times n_all.
        lags = [i * len(group) - count * n_all for group, count in zip(groups, taken, strict=True)]
        next_one = lags.index(max(lags))
        order.append(groups[next_one][taken[next_one]])
        taken[next_one] += 1
    return tuple(order)


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:16])
