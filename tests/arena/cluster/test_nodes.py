"""What must be equal on all nodes of a cluster."""

from __future__ import annotations

import platform
from collections.abc import Mapping

from arena.cluster.nodes import difference, facts

HERE = ".".join(platform.python_version_tuple()[:2])


def told(settings: Mapping[str, object]) -> dict[str, str]:
    return {"rules": str(settings["rules"])}


def broken(settings: Mapping[str, object]) -> dict[str, str]:
    raise KeyError("maps")


def test_facts_are_the_python_and_what_the_check_tells() -> None:
    assert facts(None, {}) == {"Python": HERE}
    assert facts(f"{__name__}:told", {"rules": 7}) == {"Python": HERE, "rules": "7"}


def test_a_program_whose_check_fails_or_is_missing_differs_from_any_other() -> None:
    whole = facts(f"{__name__}:told", {"rules": 7})
    for check in (f"{__name__}:broken", f"{__name__}:of_a_later_version"):
        found = facts(check, {})
        said = difference("10.0.0.3", whole, found)
        assert said is not None and "rules 7, found none" in said
        assert "fails with" in found["program"]


def test_a_difference_names_the_node_what_was_expected_and_what_to_do() -> None:
    here = {"Python": "3.11", "rules": "version 1", "program": "A"}
    assert difference("10.0.0.3", here, dict(here)) is None
    said = difference("10.0.0.3", here, here | {"rules": "version 2", "program": "B"})
    assert said is not None
    assert said.startswith("node 10.0.0.3: expected rules version 1, found version 2; ")
    assert "program A, found B" in said and "Python" not in said.split("; install")[0]
    assert "the same version of the program on every node" in said
