"""A learner on another machine than the manager: what it keeps, and where.

Promises: two learners on one machine keep apart; a learner that comes back to a machine finds there
what the store has not got yet. A learner beside its manager uses the league's folder as it is.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from league.learner.messages import LearnerOrders
from league.store.afar import folder_here, place_here


def at_home(orders: LearnerOrders) -> LearnerOrders:
    """Return orders whose folder and store's copies are this machine's.

    Raises:
        StoreError: no folder for them can be written.
    """
    if orders.store is None:
        return orders
    root = Path(orders.root)
    # Named like the league, which curves are shown by.
    home = folder_here(root) / "learners" / orders.name / root.name
    home.mkdir(parents=True, exist_ok=True)
    return replace(orders, root=str(home), store=place_here(orders.store, root))
