"""Owns the reading of `store.url`: which kind of place it names, and how it is shown.

Promises: a URL with a password or with options is refused, so that no secret can lie in
`league.toml`; nothing that is printed of an address holds one. Loads no package of any cloud.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from league.errors import ConfigError

_PROTOCOL = re.compile(r"[a-z][a-z0-9+.-]*")
_HOW = (
    "give secrets through the environment: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY for s3://, "
    "FSSPEC_SFTP_PASSWORD and the like for others"
)


@dataclass(frozen=True)
class StoreAddress:
    """Where a store is; `StoreAddress.of` makes it without touching disk or network.

    Attributes:
        url: as it was given, without a slash at its end; without any secret.
        folder: of a store that is a folder; None for all others.
    """

    url: str
    folder: Path | None = None

    @classmethod
    def of(cls, text: str, base: Path | None = None) -> StoreAddress:
        """Return the address that `store.url` names.

        Args:
            base: what a relative path starts from; None leaves it as it is.

        Raises:
            ConfigError: it is not an address, or holds a password or options; neither is quoted.
        """
        if "://" not in text:
            if not text.strip():
                raise ConfigError("store.url: expected a folder or a URL, found an empty text")
            path = Path(text).expanduser()
            return cls(text, path if base is None else base / path)
        protocol, _, rest = text.partition("://")
        if not _PROTOCOL.fullmatch(protocol) or "::" in text:
            raise ConfigError(
                "store.url: expected a folder or a URL such as s3://bucket/league, found one whose "
                "beginning is not the name of a protocol"
            )
        try:
            parts = urlsplit(text)
            password = parts.password
        except ValueError:  # an unfinished IPv6 address
            raise ConfigError(
                f"store.url: expected a URL such as {protocol}://bucket/league, found one that "
                "cannot be read"
            ) from None
        # Not quoted: what looks like a password is one.
        if password is not None or "@" in rest.partition("/")[2]:
            raise ConfigError(
                f"store.url: expected a {protocol}:// URL without a password, found one; {_HOW}"
            )
        if parts.query or parts.fragment or "?" in rest or "#" in rest:
            raise ConfigError(
                f"store.url: expected a {protocol}:// URL without options after ? or #, found "
                f"some; {_HOW}"
            )
        if protocol in ("file", "local"):
            path = Path(unquote(parts.netloc + parts.path))
            return cls(str(path), path if base is None else base / path)
        if not rest.strip("/") and protocol != "memory":
            raise ConfigError(
                f"store.url: expected {protocol}://BUCKET/FOLDER, found no name of a bucket or host"
            )
        return cls(text.rstrip("/") if rest.strip("/") else text)

    @property
    def protocol(self) -> str:
        """The part before ://, "file" for a folder."""
        return "file" if self.folder is not None else self.url.partition("://")[0]

    def __str__(self) -> str:
        return self.url if self.folder is None else str(self.folder)
