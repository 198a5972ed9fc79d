"""Who of a running league waits for the machine: learners one by one, the workers, the store.

Promises: nobody is blamed and nothing is ended here; the journal says when a wait begins and when
it is over, once each; the heartbeat names who waits, and for what.
"""

from __future__ import annotations

from sqlalchemy import Engine

from db import queries
from db.session import write_transaction

WORKERS = "workers"
STORE = "store"


class Waits:
    """The learners and workers that wait.

    Args:
        engine: of the league's database, for the journal.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._texts: dict[str, str] = {}
        self._workers: str | None = None  # as the journal knows it
        self._store: str | None = None

    @property
    def texts(self) -> dict[str, str]:
        """What is waited for, by name of the learner, or WORKERS."""
        workers = {} if self._workers is None else {WORKERS: self._workers}
        store = {} if self._store is None else {STORE: self._store}
        return self._texts | workers | store

    def forget(self, name: str) -> None:
        """Record that a learner works, or has ended."""
        self._texts.pop(name, None)

    def died(self, name: str, text: str) -> None:
        """Record that the machine ended a learner, which is started again later."""
        self._texts[name] = text

    def take(self, name: str, text: str | None) -> None:
        """Record what a learner says that it waits for; None: it goes on."""
        before = self._texts.get(name)
        if text is not None and before is None:
            said = f"learner {name} waits for the machine: it {text}"
            self._write("machine_trouble", said, "alarm")
        elif text is None and before is not None:
            self._write("machine_recovered", f"learner {name} goes on", "info")
        if text is None:
            self.forget(name)
        else:
            self._texts[name] = text

    def take_workers(self, trouble: str | None) -> None:
        """Record what keeps all workers from starting, or None."""
        if (trouble is None) != (self._workers is None):
            if trouble is None:
                self._write("machine_recovered", "the workers run again", "info")
            else:
                said = f"no worker can be started, the machine is in trouble: the last {trouble}"
                self._write("machine_trouble", said, "alarm")
        self._workers = trouble

    def take_store(self, trouble: str | None, n_files: int) -> None:
        """Record why files wait to be brought into the store, or None when they do not."""
        if trouble is not None and self._store is None:
            said = f"{trouble}; the league goes on, and {n_files} files wait here to be brought"
            self._write("store_away", said, "alarm")
        elif trouble is None and self._store is not None and n_files == 0:
            self._write("store_back", "the store answers again, and holds all files", "info")
            self._store = None
        if trouble is not None:
            self._store = f"{n_files} files wait for the store: {trouble}"

    def _write(self, kind: str, text: str, level: str) -> None:
        with write_transaction(self._engine) as session:
            queries.add_event(session, kind, text, level=level)
