"""Errors raised by agents: one tree, so that a caller can catch everything of ours at once."""

from __future__ import annotations


class AgentError(Exception):
    """Base of every error raised by agents."""


class PolicyError(AgentError):
    """A policy cannot act on what it was given, or its network computed no number."""


class SnapshotError(AgentError):
    """Base of everything that can be wrong with a snapshot."""


class SnapshotMissingError(SnapshotError):
    """No snapshot, or no offer, of that name."""


class SnapshotAmbiguousError(SnapshotError):
    """A prefix that several snapshots share."""


class SnapshotPathError(SnapshotError):
    """A reference that is neither a hash nor a path inside the snapshot folder."""


class SnapshotCorruptError(SnapshotError):
    """A file that is not the one that was saved: wrong size, wrong hash, unreadable header."""


class SnapshotArchitectureError(SnapshotError):
    """Weights that do not fit the network that the description names."""


class SnapshotNonFiniteError(SnapshotError):
    """Weights, logits or a value that are infinite or not a number."""


class SnapshotProbeError(SnapshotError):
    """The network computes something else from the weights than it did when they were saved."""


class SnapshotVersionError(SnapshotError):
    """A snapshot made for another format, observation or set of actions than this program's."""
