"""Where ranks on several machines meet: the first one listens, at its machine's own address.

Promises: the place listens at that address alone, on a port that the system chose, and the ranks'
traffic goes over that machine's interface of it. Nothing here asks who comes: the ranks' machines
belong in a network of their own, as a Ray cluster does anyway.
"""

from __future__ import annotations

import os
import socket
from datetime import timedelta
from typing import Any

from league.ppo.errors import RanksLostError
from msattn.errors import first_line


def open_meeting(address: str, size: int, limit_s: float) -> tuple[Any, int]:
    """Open the place where `size` ranks meet; return torch's store and the port.

    Args:
        address: of this machine, as the others reach it.
        limit_s: how long a rank waits there for the others.

    Raises:
        OSError: this machine does not have that address.
    """
    import torch.distributed as dist

    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as door:
        door.bind((address, 0))
        door.listen(size)
        port = door.getsockname()[1]
        store = dist.TCPStore(  # type: ignore[attr-defined, unused-ignore]
            address,
            port,
            size,
            is_master=True,
            timeout=timedelta(seconds=limit_s),
            wait_for_workers=False,
            master_listen_fd=door.fileno(),
        )
        door.detach()  # the store has it, and closes it
    return store, port


def enter_meeting(address: str, port: int, size: int, limit_s: float) -> Any:
    """Return torch's store of the place that the first rank has opened.

    Raises:
        RanksLostError: it cannot be reached.
    """
    import torch.distributed as dist

    try:
        return dist.TCPStore(  # type: ignore[attr-defined, unused-ignore]
            address,
            port,
            size,
            is_master=False,
            timeout=timedelta(seconds=limit_s),
            wait_for_workers=False,
        )
    except RuntimeError as error:  # torch's DistError among them
        raise RanksLostError(
            f"a rank cannot reach the first one at {address}:{port}; the nodes must reach each "
            f"other on all ports ({first_line(error)})"
        ) from error


def talk_over(address: str) -> None:
    """Have gloo and NCCL use this machine's interface of an address, unless the environment says.

    Gloo by itself takes the address that the host's name stands for, which others may not reach.
    An address that no interface has, behind a translation, leaves the choice to them.
    """
    name = interface_of(address)
    if name is not None:
        os.environ.setdefault("GLOO_SOCKET_IFNAME", name)
        os.environ.setdefault("NCCL_SOCKET_IFNAME", name)


def interface_of(address: str) -> str | None:
    """Return the name of this machine's interface that has an address, or None."""
    import psutil

    for name, entries in psutil.net_if_addrs().items():
        if any(entry.address.partition("%")[0] == address for entry in entries):
            return str(name)
    return None
