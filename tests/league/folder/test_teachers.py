"""Who teaches whom is checked before a start changes anything, and read again when it begins."""

from __future__ import annotations

from pathlib import Path

import pytest

from db import queries
from db.session import write_transaction
from league.config.layers import resolve
from league.errors import ConfigError
from league.folder.opening import open_for_start
from league.folder.teachers import spec_of, teachers_of
from tests.league.daemon.scripted import new_league


def test_a_lineage_has_its_own_teacher_the_leagues_or_nobody() -> None:
    config = resolve("small", None, ("learner.teacher=scripted:strategist",))
    assert teachers_of(config) == {
        "attention": "scripted:strategist",
        "baseline": "scripted:strategist",
    }
    own = tuple(
        lineage.model_copy(update={"teacher": teacher})
        for lineage, teacher in zip(config.learners, ("planner:", "nobody"), strict=True)
    )
    assert teachers_of(config.model_copy(update={"learners": own})) == {"attention": "planner:"}
    assert teachers_of(resolve("small")) == {}


@pytest.mark.parametrize(
    ("teacher", "said"),
    [
        ("nobody-here", "expected learner.teacher to be a member of this league or an agent spec"),
        ("scripted:nobody", "there is no scripted agent 'nobody'"),
        ("planner:depth=3", "expected each of decisions, copies, candidates"),
        ("snapshot:" + "a" * 64, "there is no snapshot file"),
        ("plugin:nowhere.py:make", "expected the Python file of a plug-in"),
        ("scripted:strategist-eager", "is held out"),
        ("strategist-patient", "is held out"),
    ],
)
def test_an_unknown_teacher_is_one_sentence_and_nothing_is_made(
    tmp_path: Path, teacher: str, said: str
) -> None:
    with pytest.raises(ConfigError, match=said) as found:
        open_for_start(tmp_path / "league", None, (f"learner.teacher={teacher}",))
    assert found.value.exit_code == 2
    assert "\n" not in str(found.value)
    assert not (tmp_path / "league").exists()


@pytest.mark.parametrize("teacher", ["strategist", "scripted:strategist", "planner:copies=3"])
def test_a_known_teacher_may_teach_a_new_league(tmp_path: Path, teacher: str) -> None:
    config = open_for_start(tmp_path / "league", None, (f"learner.teacher={teacher}",)).config
    assert teachers_of(config)["attention"] == teacher


def test_a_member_that_is_gone_keeps_no_trained_lineage_from_starting(tmp_path: Path) -> None:
    with new_league(tmp_path / "league") as league:
        with write_transaction(league.engine) as session:
            for name in ("attention", "baseline"):
                learner_id = queries.upsert_learner(session, name=name, family=name, role="main")
                queries.record_progress(session, learner_id, trained_decisions=64)
        sets = ("learner.teacher=long-gone",)
        config = open_for_start(league.folder.root, None, sets).config
        with write_transaction(league.engine) as session:  # a lineage that begins needs its teacher
            learner_id = queries.upsert_learner(
                session, name="attention", family="attention", role="main"
            )
            queries.record_progress(session, learner_id, trained_decisions=0)
        with pytest.raises(ConfigError, match="found 'long-gone'"):
            open_for_start(league.folder.root, None, sets)
    assert spec_of("long-gone", config, {"long-gone": "scripted:tribe"}) == "scripted:tribe"
