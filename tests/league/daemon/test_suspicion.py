"""Who is accused of ending worker processes: by elimination, the same way every time."""

from __future__ import annotations

import signal

import pytest

from arena.processes.jobs import Failed, Fault
from league.daemon.suspicion import Seated, Suspicion, is_own_death

SCRIPT, OLD_SCRIPT = Seated(1, False, 0), Seated(2, False, 50)
PLUGIN, OTHER, PLAYED = Seated(11, True, 0), Seated(12, True, 0), Seated(13, True, 40)


def test_the_only_plugin_of_a_match_that_was_alone_is_accused() -> None:
    assert Suspicion().died_alone(1, [SCRIPT, OLD_SCRIPT, PLUGIN], last=False) == 11


def test_one_that_never_finished_a_match_comes_before_one_that_did() -> None:
    assert Suspicion().died_alone(1, [PLAYED, PLUGIN, SCRIPT], last=False) == 11
    assert Suspicion().died_alone(1, [PLAYED, SCRIPT], last=False) == 13


def test_two_alike_are_told_apart_by_the_next_line_up() -> None:
    suspicion = Suspicion()
    assert suspicion.died_alone(1, [PLUGIN, OTHER], last=False) is None
    assert suspicion.suspects == {11, 12}
    assert suspicion.died_alone(1, [OTHER, SCRIPT], last=False) == 12


def test_one_that_finishes_a_match_is_cleared_and_the_other_accused() -> None:
    suspicion = Suspicion()
    suspicion.died_alone(1, [PLUGIN, OTHER], last=False)
    suspicion.finished([12, 1])
    assert suspicion.suspects == {11}
    other_has_played = Seated(12, True, 1)
    assert suspicion.died_alone(1, [PLUGIN, other_has_played], last=False) == 11


def test_nobody_is_suspected_for_a_match_that_is_not_played_again() -> None:
    suspicion = Suspicion()
    suspicion.died_together(1, [PLUGIN])
    suspicion.died_together(2, [PLUGIN, OTHER])
    suspicion.closed(2)
    assert suspicion.suspects == {11}
    suspicion.closed(1)
    assert suspicion.suspects == set()


def test_at_the_last_death_the_newest_is_accused() -> None:
    suspicion = Suspicion()
    assert suspicion.died_alone(1, [PLUGIN, OTHER], last=False) is None
    assert suspicion.died_alone(1, [PLUGIN, OTHER], last=True) == 12


def test_a_deed_that_is_explained_does_not_count_against_others() -> None:
    suspicion = Suspicion()
    suspicion.died_alone(1, [PLUGIN, OTHER], last=True)
    suspicion.explained_by(12)
    third = Seated(14, True, 0)
    # without `explained_by`, 11 would be the one common to both deaths
    assert suspicion.died_alone(1, [PLUGIN, third], last=False) is None


def test_without_plugins_only_a_lone_newcomer_is_accused_and_only_at_the_last_death() -> None:
    assert Suspicion().died_alone(1, [SCRIPT, OLD_SCRIPT], last=False) is None
    assert Suspicion().died_alone(1, [SCRIPT, OLD_SCRIPT], last=True) == 1
    assert Suspicion().died_alone(1, [SCRIPT, Seated(3, False, 0)], last=True) is None
    assert Suspicion().died_alone(1, [OLD_SCRIPT], last=True) is None


def test_a_death_in_company_makes_suspects_of_the_plugins_alone() -> None:
    suspicion = Suspicion()
    suspicion.died_together(1, [SCRIPT, PLUGIN, PLAYED])
    assert suspicion.suspects == {11, 13}


@pytest.mark.parametrize(
    ("fault", "exit_code", "own"),
    [
        ("worker", -signal.SIGSEGV, True),
        ("worker", -signal.SIGABRT, True),
        ("worker", 9, True),
        ("worker", -signal.SIGKILL, False),
        ("worker", -signal.SIGTERM, False),
        ("worker", None, False),
        ("timeout", None, True),
        ("match", None, False),
        ("machine", None, False),
    ],
)
def test_a_signal_from_outside_accuses_nobody(
    fault: Fault, exit_code: int | None, own: bool
) -> None:
    assert is_own_death(Failed(1, "gone", "", fault, exit_code=exit_code)) is own
