"""The use of NVIDIA GPUs, asked of the driver's own library; an empty list where there is none.

Through ctypes: the library comes with every driver, so that no package is needed. Names and numbers
of functions: NVIDIA's NVML API reference.
"""

from __future__ import annotations

import ctypes
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any

_LIBRARIES = ("libnvidia-ml.so.1", "nvml.dll")
_NAME_BYTES = 96  # NVML_DEVICE_NAME_V2_BUFFER_SIZE


class _Utilization(ctypes.Structure):
    _fields_ = (("gpu", ctypes.c_uint), ("memory", ctypes.c_uint))


class _Memory(ctypes.Structure):
    _fields_ = (
        ("total", ctypes.c_ulonglong),
        ("free", ctypes.c_ulonglong),
        ("used", ctypes.c_ulonglong),
    )


class NvmlError(Exception):
    """The driver gave no answer."""


@dataclass(frozen=True)
class Gpu:
    """A GPU: percent of the last moment in which it worked, and bytes of its memory in use.

    `used_percent` is None where the driver does not say (on a share of a GPU).
    """

    name: str
    used_percent: float | None
    memory_bytes: int
    memory_total: int


@cache
def _library() -> Any | None:
    for name in _LIBRARIES:
        with suppress(OSError):
            library = ctypes.CDLL(name)
            return library if library.nvmlInit_v2() == 0 else None
    return None


def _ask(library: Any, function: str, *arguments: Any) -> None:
    code = getattr(library, function)(*arguments)
    if code != 0:
        raise NvmlError(f"{function} answered {code}")


def read_gpus(library: Any | None = None) -> list[Gpu]:
    """Return the GPUs of this machine, all that the driver shows.

    Args:
        library: the driver's library; None finds it.
    """
    library = library or _library()
    if library is None:
        return []
    n = ctypes.c_uint()
    try:
        _ask(library, "nvmlDeviceGetCount_v2", ctypes.byref(n))
        return [_read(library, at) for at in range(n.value)]
    except NvmlError:
        return []


def _read(library: Any, at: int) -> Gpu:
    device = ctypes.c_void_p()
    name = ctypes.create_string_buffer(_NAME_BYTES)
    memory, used = _Memory(), _Utilization()
    _ask(library, "nvmlDeviceGetHandleByIndex_v2", at, ctypes.byref(device))
    _ask(library, "nvmlDeviceGetName", device, name, _NAME_BYTES)
    _ask(library, "nvmlDeviceGetMemoryInfo", device, ctypes.byref(memory))
    share: float | None = None
    with suppress(NvmlError):
        _ask(library, "nvmlDeviceGetUtilizationRates", device, ctypes.byref(used))
        share = float(used.gpu)
    return Gpu(name.value.decode(errors="replace"), share, memory.used, memory.total)
