"""The settings of a league's store (league.store)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator

from league.config.kinds import Off, Positive, Section
from league.errors import ConfigError
from league.store.address import StoreAddress


class StoreConfig(Section):
    """Where snapshots, checkpoints and replays are kept."""

    url: Annotated[str | None, Off] = Field(
        default=None,
        description="A folder, or an fsspec URL such as s3://bucket/league, gs:// or sftp://..., "
        "without a password; off keeps all in the league's own folder (docs/howto/store.md).",
    )
    cache_gb: Positive = Field(
        default=10.0,
        description="GB (10^9 bytes) that each machine may take for copies of a store's files; "
        "those used least recently go first.",
    )

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, url: str | None) -> str | None:
        try:
            return None if not url else StoreAddress.of(url).url
        except ConfigError as error:
            raise ValueError(str(error)) from None
