"""Errors raised by msattn: one tree, so that a caller can catch everything of ours at once."""

from __future__ import annotations


class NetworkError(Exception):
    """Base of every error raised by msattn."""


class ConfigError(NetworkError):
    """A network description that cannot be built: unknown family, bad width, wrong shape."""


class DeviceError(NetworkError):
    """A device that is not there, or that computes something else than the CPU does."""
