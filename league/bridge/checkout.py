"""Owns what is known of the user's checkout of the original engine, and the bundle made of it.

Promises: nothing of the checkout is changed; the bundle lies in the user's cache folder, under a
name that follows from the checkout's files, the packages' folder and our adapter, so that a changed
checkout is bundled anew; whatever is missing is one sentence with what to do.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from arena.files import user_cache_folder
from arena.foreign import ForeignFileError, read_foreign
from league.errors import BridgeError

EDITIONS: Final = {
    "2025": ("configuration/DefaultConfig.ts", "execution/FakeHumanExecution.ts"),
    "2026": ("configuration/Config.ts", "execution/NationExecution.ts"),
}
"""Files of src/core by which the editions are told apart."""

PLAYED: Final = ("2026",)
LEAST_NODE: Final = 20
INSTALL: Final = "npm install"
ENGINE_VARIABLE: Final = "LEAGUE_OPENFRONT"

_ADAPTER = Path(__file__).with_name("adapter")
_BUILD_LIMIT_S = 120.0
_VERSION_LIMIT_S = 20.0
_MAX_HEAD_BYTES = 1 << 16
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class Checkout:
    """A checkout of the original.

    Attributes:
        root: its folder.
        edition: "2025", "2026", or None of neither.
        commit: of git, or None.
    """

    root: Path
    edition: str | None
    commit: str | None


def find_checkout(path: Path, edition: str | None = None) -> Checkout:
    """Return what is in a folder.

    Args:
        edition: the one that is expected; None takes any that can be played.

    Raises:
        BridgeError: it is no checkout, or one of another edition.
    """
    root = path.resolve()
    core = root / "src" / "core"
    if not core.is_dir() or not (core / "game").is_dir():
        raise BridgeError(
            f"expected a checkout of OpenFrontIO at {path} (a folder with src/core), found none; "
            "clone https://github.com/openfrontio/OpenFrontIO and name its folder"
        )
    if not (root / "tsconfig.json").is_file():
        raise BridgeError(
            f"expected tsconfig.json in {path}, found none; without it the engine's classes are "
            "translated otherwise: check out the whole repository"
        )
    found = next(
        (
            name
            for name, files in EDITIONS.items()
            if all((core / file).is_file() for file in files)
        ),
        None,
    )
    if found is None:
        raise BridgeError(
            f"expected an engine of edition {' or '.join(EDITIONS)} at {path}, found a version "
            "that has the files of neither; check out a commit of July 2026"
        )
    if found not in PLAYED:
        raise BridgeError(
            f"expected an engine of edition {' or '.join(PLAYED)} at {path}, found {found}; check "
            "out a commit of July 2026"
        )
    if edition is not None and found != edition:
        raise BridgeError(
            f"expected an engine of edition {edition} at {path}, found {found}; leave out "
            "--edition, or name another checkout"
        )
    return Checkout(root, found, _commit(root))


def _commit(root: Path) -> str | None:
    """Return the commit that is checked out, read from .git without running git."""
    try:
        git = root / ".git"
        if git.is_file():  # a worktree, or a submodule
            text = read_foreign(git, _MAX_HEAD_BYTES).decode(errors="replace")
            git = (root / text.partition("gitdir:")[2].strip()).resolve()
        head = read_foreign(git / "HEAD", _MAX_HEAD_BYTES).decode(errors="replace").strip()
        if head.startswith("ref:"):
            name = head.partition(":")[2].strip()
            common = git / "commondir"
            if common.is_file():
                text = read_foreign(common, _MAX_HEAD_BYTES).decode(errors="replace")
                git = (git / text.strip()).resolve()
            loose = git / name
            if loose.is_file():
                head = read_foreign(loose, _MAX_HEAD_BYTES).decode(errors="replace").strip()
            else:
                packed = read_foreign(git / "packed-refs", 1 << 24).decode(errors="replace")
                lines = [line.split() for line in packed.splitlines()]
                head = next((line[0] for line in lines if line[1:] == [name]), "")
    except (ForeignFileError, OSError, ValueError):
        return None
    return head if _COMMIT.fullmatch(head) else None


def find_node() -> tuple[str, str]:
    """Return the program `node` and its version.

    Raises:
        BridgeError: there is none, or an older one.
    """
    program = shutil.which("node")
    if program is None:
        raise BridgeError(
            f"expected Node.js {LEAST_NODE} or newer as `node` on the PATH, found none; install it "
            "(https://nodejs.org)"
        )
    try:
        said = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=_VERSION_LIMIT_S
        ).stdout.strip()
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BridgeError(f"expected `{program} --version` to answer, found: {error}") from error
    number = re.fullmatch(r"v(\d+)\.\S*", said)
    if number is None or int(number[1]) < LEAST_NODE:
        raise BridgeError(
            f"expected Node.js {LEAST_NODE} or newer, found {said or 'none'} at {program}; install "
            "a newer one (https://nodejs.org)"
        )
    return program, said


@dataclass(frozen=True)
class Bundle:
    """A checkout that can be played in.

    Attributes:
        command: starts the engine's process.
        esbuild: version that bundled it; "" when the bundle was there already.
    """

    checkout: Checkout
    node: str
    node_version: str
    file: Path
    esbuild: str = ""

    @property
    def command(self) -> tuple[str, ...]:
        """The program and its arguments."""
        return (self.node, "--max-old-space-size=2048", str(self.file))


def bundled(checkout: Checkout, *, rebuild: bool = False) -> Bundle:
    """Return the bundle of a checkout, made unless it is there.

    Raises:
        BridgeError: Node, esbuild or a package is missing, or the checkout cannot be bundled.
    """
    node, version = find_node()
    target = user_cache_folder() / "bridge" / f"{_key(checkout)}.mjs"
    if target.is_file() and not rebuild:
        return Bundle(checkout, node, version, target)
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(f"{target.stem}.{os.getpid()}.new.mjs")
    try:
        answer = _build(node, checkout, fresh)
        if not answer.get("ok"):
            raise BridgeError(_why_not(checkout, answer))
        fresh.replace(target)
    finally:
        fresh.unlink(missing_ok=True)
    return Bundle(checkout, node, version, target, str(answer.get("esbuild") or ""))


def _build(node: str, checkout: Checkout, target: Path) -> dict[str, Any]:
    command = [
        *(node, str(_ADAPTER / "build.mjs"), str(checkout.root)),
        *(str(_ADAPTER / "adapter.mjs"), str(target)),
        str(_ADAPTER / f"edition_{checkout.edition}.mjs"),
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_BUILD_LIMIT_S)
    except subprocess.TimeoutExpired:
        raise BridgeError(
            f"esbuild did not bundle {checkout.root} within {_BUILD_LIMIT_S:g} s; try again when "
            "the machine is less busy"
        ) from None
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise BridgeError(f"esbuild could not be run on {checkout.root}: {last}") from None
    return answer if isinstance(answer, dict) else {}


def _why_not(checkout: Checkout, answer: dict[str, Any]) -> str:
    missing = [str(name) for name in answer.get("missing") or ()]
    if missing:
        names = " ".join(missing)
        return (
            f"expected the npm packages of the checkout {checkout.root}, found these missing: "
            f"{', '.join(missing)}; run `{INSTALL}` there, and `npm install --no-save {names}` for "
            "what it does not bring"
        )
    errors = "; ".join(str(text) for text in answer.get("errors") or ["no reason given"])
    return f"the checkout {checkout.root} cannot be bundled with our adapter: {errors}"


def _key(checkout: Checkout) -> str:
    """Return a name that changes with the checkout's files, where it is, and our adapter."""
    digest = hashlib.sha256(str(checkout.root).encode())
    for path in sorted(_ADAPTER.glob("*.mjs")):
        digest.update(path.read_bytes())
    digest.update((checkout.root / "tsconfig.json").read_bytes())
    for path in sorted((checkout.root / "src" / "core").rglob("*.ts")):
        found = path.stat()
        name = path.relative_to(checkout.root).as_posix()
        digest.update(f"{name} {found.st_size} {found.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:24]
