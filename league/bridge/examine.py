"""Owns what `league bridge check` says: whether a checkout can be played in, step by step."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from league.bridge.checkout import Bundle, Checkout, bundled, find_checkout, find_node
from league.bridge.process import EngineProcess
from league.errors import BridgeError

STEPS = ("checkout", "node", "packages", "engine")


@dataclass(frozen=True)
class Finding:
    """A step of the examination.

    Attributes:
        step: one of STEPS.
        ok: None where an earlier step failed, so that it was not looked at.
        text: one sentence.
    """

    step: str
    ok: bool | None
    text: str


@dataclass(frozen=True)
class Examination:
    """Everything that was found.

    Attributes:
        edition, commit, node, esbuild: what was found, None or "" where it was not.
    """

    findings: tuple[Finding, ...]
    edition: str | None = None
    commit: str | None = None
    node: str | None = None
    esbuild: str | None = None

    @property
    def ok(self) -> bool:
        """Whether matches can be played."""
        return all(finding.ok for finding in self.findings)


def examine(path: Path, edition: str | None = None, *, rebuild: bool = False) -> Examination:
    """Look for everything that a match in the original engine needs; never raises for what lacks.

    Args:
        edition: the one that is expected; None takes any that can be played.
        rebuild: make the bundle anew, even if it is there.
    """
    found: dict[str, Finding] = {}
    checkout: Checkout | None = None
    bundle: Bundle | None = None
    version: str | None = None
    try:
        checkout = find_checkout(path, edition)
        commit = checkout.commit or "unknown (no git folder)"
        found["checkout"] = Finding(
            "checkout", True, f"{checkout.root}: edition {checkout.edition}, commit {commit}"
        )
    except BridgeError as error:
        found["checkout"] = Finding("checkout", False, str(error))
    try:
        program, version = find_node()
        found["node"] = Finding("node", True, f"{version} at {program}")
    except BridgeError as error:
        found["node"] = Finding("node", False, str(error))
    if checkout is not None and version is not None:
        try:
            bundle = bundled(checkout, rebuild=rebuild)
            made = f"made now with esbuild {bundle.esbuild}" if bundle.esbuild else "made before"
            found["packages"] = Finding(
                "packages", True, f"all are there; the bundle was {made}: {bundle.file}"
            )
        except BridgeError as error:
            found["packages"] = Finding("packages", False, str(error))
    if bundle is not None:
        try:
            with EngineProcess(bundle.command, answer_limit_s=60.0) as process:
                about = process.about
            found["engine"] = Finding(
                "engine", True, f"it starts and answers (protocol {about['protocol']})"
            )
        except BridgeError as error:
            found["engine"] = Finding("engine", False, str(error))
    not_looked = "not looked at, because of the above"
    return Examination(
        tuple(found.get(step, Finding(step, None, not_looked)) for step in STEPS),
        edition=None if checkout is None else checkout.edition,
        commit=None if checkout is None else checkout.commit,
        node=version,
        esbuild=None if bundle is None else bundle.esbuild,
    )
