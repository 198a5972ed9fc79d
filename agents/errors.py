"""Errors raised by agents, in one tree, so that a caller can catch them all with one class."""

from __future__ import annotations


class AgentError(Exception):
    """Base of every error raised by agents."""


class PolicyError(AgentError):
    """A policy cannot act on its input, or its network returned values that are not finite."""


class SnapshotError(AgentError):
    """Base of everything that can be wrong with a snapshot."""


class SnapshotMissingError(SnapshotError):
    """There is no snapshot, or no offer, of that name."""


class SnapshotAmbiguousError(SnapshotError):
    """A prefix that fits several snapshots."""


class SnapshotPathError(SnapshotError):
    """A reference that is neither a hash nor a path inside the snapshot folder."""


class SnapshotCorruptError(SnapshotError):
    """A file that is not the one that was saved: wrong size, wrong hash, unreadable header."""


class SnapshotArchitectureError(SnapshotError):
    """Weights that do not fit the network that the description names."""


class SnapshotNonFiniteError(SnapshotError):
    """Weights, logits or a value that are infinite or not a number."""


class SnapshotProbeError(SnapshotError):
    """The network no longer computes from the weights what it did when they were saved."""


class SnapshotVersionError(SnapshotError):
    """A snapshot of another format, observation version or action version than this program's."""
