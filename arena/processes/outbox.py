"""Owns what is to be sent to one child: a queue, and a thread that may block in the parent's stead.

Promises: `put` never blocks, whether the child reads its pipe or not; messages arrive in the order
of `put`, except that one of a class with `supersedes = True` replaces those of its class that are
still waiting; `close` ends the thread although it is blocked. The thread writes to a duplicate of
the pipe that it alone closes: it can never write to a file that got the number of a closed pipe.
"""

from __future__ import annotations

import os
import pickle
import socket
import threading
from collections import deque
from contextlib import suppress
from multiprocessing.connection import Connection


class Outbox:
    """The sending side of a duplex pipe.

    Args:
        pipe: the parent's end; closing it stays with the caller, after `close`.
    """

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._changed = threading.Condition()  # guards all below
        self._waiting: deque[tuple[type, bytes]] = deque()
        self._ended = False
        self._thread: threading.Thread | None = None

    def put(self, message: object) -> bool:
        """Queue a message; return False when the child can no longer be reached.

        Raises:
            pickle.PicklingError: or whatever the message raises instead.
            OSError: no descriptor is left for the pipe's duplicate.
        """
        kind, pickled = type(message), pickle.dumps(message)
        with self._changed:
            if self._ended:
                return False
            if getattr(kind, "supersedes", False):
                self._waiting = deque(entry for entry in self._waiting if entry[0] is not kind)
            self._waiting.append((kind, pickled))
            if self._thread is None:
                own = Connection(os.dup(self._pipe.fileno()), readable=False)
                self._thread = threading.Thread(
                    target=self._send_all, args=(own,), name="outbox", daemon=True
                )
                self._thread.start()
            self._changed.notify()
        return True

    def close(self) -> None:
        """Drop what waits and end the thread; the child reads the end of the pipe."""
        with self._changed:
            self._ended = True
            self._waiting.clear()
            self._changed.notify()
        with suppress(OSError):  # the pipe is closed, or the child has closed its end
            duplicate = socket.socket(fileno=os.dup(self._pipe.fileno()))
            with duplicate:
                duplicate.shutdown(socket.SHUT_RDWR)  # wakes a thread that is blocked in a write

    def _send_all(self, own: Connection) -> None:
        try:
            while (pickled := self._next()) is not None:
                own.send_bytes(pickled)
        except OSError:  # the child is gone, or `close` has shut the pipe
            with self._changed:
                self._ended = True
        finally:
            own.close()

    def _next(self) -> bytes | None:
        with self._changed:
            while not self._waiting and not self._ended:
                self._changed.wait()
            return None if self._ended else self._waiting.popleft()[1]
