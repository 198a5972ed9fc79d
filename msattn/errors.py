"""Errors raised by msattn, in one tree, so that a caller can catch them all with one class."""

from __future__ import annotations


class NetworkError(Exception):
    """Base of every error raised by msattn."""


class ConfigError(NetworkError):
    """A network description that cannot be built: unknown family, bad width, wrong shape."""


class DeviceError(NetworkError):
    """A device that is missing, or whose results differ from the CPU's."""


def first_line(error: BaseException) -> str:
    """Return the first line of what torch says of an error, which may go on at length."""
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__
