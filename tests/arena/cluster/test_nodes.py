"""What must be equal on all nodes of a cluster."""

from __future__ import annotations

import platform
from collections.abc import Mapping

from arena.cluster.nodes import FOLDER, UNKNOWN, difference, facts

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


def test_a_node_without_the_leagues_folder_is_told_to_use_a_store() -> None:
    here = {"Python": "3.11", FOLDER: "/home/me/mine with league.toml 1234"}
    said = difference("10.0.0.3", here, here | {FOLDER: "/home/me/mine that cannot be read"})
    assert said is not None
    assert "set store.url to a bucket or folder that every node reaches, or let each see" in said
    assert "the same Python" not in said  # only what helps


def test_a_store_that_does_not_answer_keeps_a_node_out_only_at_the_first_start() -> None:
    here = {"store": "s3://bucket/mine with league.json 1234"}
    away = {"store": f"{UNKNOWN}s3://bucket/mine does not answer (access denied)"}
    said = difference("10.0.0.3", here, away, all_known=True)
    assert said is not None and "access denied" in said and "with the same secrets" in said
    assert difference("10.0.0.3", here, away) is None
    assert difference("10.0.0.3", away, here, all_known=True) is None
    other = {"store": "s3://bucket/mine with league.json 5678"}
    assert difference("10.0.0.3", here, other) is not None
