"""Which observations and actions a snapshot was trained with, and whether this program has both."""

from __future__ import annotations

from collections.abc import Collection

from agents.description import SnapshotDescription
from agents.errors import SnapshotVersionError
from arena.territory.observation.views import OBSERVATION_VERSIONS, edition_of


def check_versions(
    found: SnapshotDescription,
    name: str,
    observation_versions: Collection[int],
    action_versions: Collection[int] | None,
) -> None:
    """Refuse a snapshot of versions that cannot be played.

    Args:
        name: what to call it in a message.
        observation_versions: those that may be.
        action_versions: those that may be; None takes any, beside any observation.

    Raises:
        SnapshotVersionError: one of the two is of another program, or they are not of one edition.
    """
    for what, expected, version in (
        ("observation", observation_versions, found.observation_version),
        ("action", action_versions, found.action_version),
    ):
        if expected is not None and version not in expected:
            raise SnapshotVersionError(
                f"{name} was trained with {what} version {version} and this program has "
                f"{' and '.join(map(str, expected))}: it cannot play here; retire its member"
            )
    if action_versions is None or found.observation_version not in OBSERVATION_VERSIONS:
        return
    edition = edition_of(found.observation_version)
    if found.action_version != edition.action_version:
        raise SnapshotVersionError(
            f"{name} was trained with observation version {found.observation_version} and action "
            f"version {found.action_version}, and matches of edition {edition.name}, which show "
            f"that, have action version {edition.action_version}: it cannot play; retire its member"
        )
