r"""Owns how text from outside is shown: names, paths and messages never steer a terminal.

Promises: what `visible` returns holds no control character (C0, C1, DEL), no line or paragraph
separator, no character that reverses or hides text (bidirectional overrides, zero-width marks,
tags) and no lone surrogate; each is shown as the escape that Python would write, such as `\x1b`.
Showing the result again changes nothing. What `without_passwords` returns shows no password of a
URL.
"""

from __future__ import annotations

import re

# Joiners (U+200C, U+200D) stay: scripts and emoji need them; they reverse and hide nothing.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)
# A password of a URL: before the host, up to the last @, or after the question mark.
_PASSWORDS = (
    re.compile(r"(?P<kept>\w+://[^\s:/@?#]*:)[^\s'\"]*(?=@)"),
    re.compile(r"(?P<kept>[?&;]password=)[^&\s'\"]+", re.IGNORECASE),
)


def without_passwords(text: str) -> str:
    """Return a message or a line of a log with `***` for each password of a URL in it."""
    for pattern in _PASSWORDS:
        text = pattern.sub(r"\g<kept>***", text)
    return text


def visible(text: object, *, keep: str = "") -> str:
    r"""Return a text in which every unsafe character is shown as an escape.

    Args:
        keep: characters that stay as they are, such as "\n" in a text of several lines.
    """
    found = str(text)
    if found.isprintable():
        return found
    return _UNSAFE.sub(lambda match: match[0] if match[0] in keep else _escape(match[0]), found)


def _escape(character: str) -> str:
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
