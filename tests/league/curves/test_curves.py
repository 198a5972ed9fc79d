"""`league curves`: the chains, the bar, and what is printed and drawn of them."""

from __future__ import annotations

import dataclasses
import json
import re
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from league.cli.curves import curves as command
from league.cli.main import main
from league.cli.options import run
from league.curves.bar_history import Passage
from league.curves.lineages import LeagueCurves, league_curves
from league.curves.picture import draw_curves, spread
from league.curves.screen import answer, bar_sentence, passage_sentence
from league.folder.layout import LeagueFolder
from league.report.state import MemberRow, ReportState, StateReader
from tests.league.hand_made import NOON, make_league


def _state(folder: LeagueFolder) -> ReportState:
    with StateReader(folder) as reader:
        return reader.read(at=NOON + timedelta(seconds=30))


def _anchor(base: MemberRow, member_id: int, name: str, conservative: float) -> MemberRow:
    return dataclasses.replace(
        base, id=member_id, name=name, agent_spec=f"scripted:{name}", role="anchor", snapshot=None,
        family="scripted", conservative=conservative, matches=90, trained_decisions=0,
        created_at=NOON, parent_id=None, generation=0,
    )  # fmt: skip


@pytest.fixture
def long_state(hand_made_league: LeagueFolder) -> ReportState:
    """All four rivals, the highest at 21, and four snapshots of `attention` a minute apart.

    Their mu - 3 sigma: 19, 24 after too few matches, 22, 20.5; sigma is 1.
    """
    state = _state(hand_made_league)
    base = next(row for row in state.members if row.name == "attention-0001")
    rivals = (("tribe", 20.0), ("expander", 21.0), ("turtle", 18.0), ("opportunist", 19.0))
    anchors = [_anchor(base, 100 + i, name, at) for i, (name, at) in enumerate(rivals)]
    snapshots = [
        dataclasses.replace(
            base, id=200 + i, name=f"attention-{i:04d}", generation=i, mu=level + 3.0, sigma=1.0,
            conservative=level, matches=matches, trained_decisions=1_000 * i,
            created_at=NOON + timedelta(minutes=i), parent_id=199 + i if i else None,
        )
        for i, (level, matches) in enumerate(((19.0, 40), (24.0, 29), (22.0, 30), (20.5, 60)))
    ]  # fmt: skip
    return dataclasses.replace(state, members=(*reversed(snapshots), *anchors))


def _curves(state: ReportState, min_matches: int = 30) -> LeagueCurves:
    return league_curves(state, min_matches=min_matches)


def test_a_sentence_says_since_when_the_newest_has_been_above(long_state: ReportState) -> None:
    curves = _curves(long_state)
    lineage = curves.lineages[0]
    assert passage_sentence(lineage, curves) == "No snapshot has played 30 matches."
    passed = Passage("attention-0003", False, "attention-0002", 2.25, 0.875)
    said = passage_sentence(dataclasses.replace(lineage, passage=passed), curves)
    assert said == (
        "The newest snapshot with 30 matches was first above the bar after 2.2 min "
        "(attention-0002), and in 88 % of the rated matches since; attention-0003 is not above "
        "it now."
    )


def test_a_lineage_is_its_snapshots_by_trained_decisions(long_state: ReportState) -> None:
    attention, baseline = _curves(long_state).lineages
    assert [row.name for row in attention.snapshots] == [f"attention-{i:04d}" for i in range(4)]
    assert [row.trained_decisions for row in attention.snapshots] == [0, 1_000, 2_000, 3_000]
    assert [row.minutes for row in attention.snapshots] == [0, 1, 2, 3]
    assert (baseline.name, baseline.snapshots) == ("baseline", ())


def test_the_first_above_the_bar_has_the_matches_and_is_not_the_best(
    long_state: ReportState,
) -> None:
    curves = _curves(long_state)
    # the bar is the highest rival, expander at 21: 19 is below, 24 has 29 matches, 22 is above
    assert (curves.bar.highest, curves.bar.conservative) == ("expander", 21.0)
    assert curves.lineages[0].first_above == curves.lineages[0].snapshots[2]
    said = answer(curves.lineages[0], curves)
    assert said == "* First above the bar: attention-0002, 2,000 decisions, 2.0 min, mu-3s 22.00."
    earlier = _curves(long_state, min_matches=29).lineages[0].first_above
    assert earlier is not None and earlier.name == "attention-0001"


def test_a_snapshot_as_high_as_the_bar_is_not_above_it(long_state: ReportState) -> None:
    members = tuple(
        dataclasses.replace(row, conservative=22.0) if row.name == "turtle" else row
        for row in long_state.members
    )
    curves = _curves(dataclasses.replace(long_state, members=members))
    assert curves.lineages[0].first_above is None
    said = answer(curves.lineages[0], curves)
    assert said == "None above the bar yet: the best is attention-0002, mu-3s 22.00."


def test_nobody_stands_above_a_rival_of_too_few_matches(long_state: ReportState) -> None:
    # mu - 3 sigma of a rival with few matches is low because it is unsure, not because it is weak
    members = tuple(
        dataclasses.replace(row, matches=29, conservative=-3.0) if row.name == "turtle" else row
        for row in long_state.members
    )
    curves = _curves(dataclasses.replace(long_state, members=members))
    assert curves.bar.unproven == ("turtle",)
    assert curves.lineages[0].first_above is None
    assert "still too few matches: turtle" in bar_sentence(curves)


def test_rivals_that_the_league_lacks_are_named(hand_made_league: LeagueFolder) -> None:
    curves = _curves(_state(hand_made_league), min_matches=3)
    assert curves.bar.rivals == ("tribe",)
    assert "not in this league: expander, turtle and opportunist" in bar_sentence(curves)
    first = curves.lineages[0].first_above
    # 40.54 - 3 * 4.92 = 25.78 against tribe's 25 - 3 * 4.09 = 12.73
    assert first is not None and first.name == "attention-0001"
    assert [row.name for row in curves.anchors] == ["random", "tribe", "idle"]


def test_without_rivals_there_is_no_bar(long_state: ReportState) -> None:
    members = tuple(row for row in long_state.members if row.role != "anchor")
    curves = _curves(dataclasses.replace(long_state, members=members))
    assert curves.bar.conservative is None and curves.lineages[0].first_above is None
    assert bar_sentence(curves) == (
        "There is no bar: none of tribe, expander, turtle and opportunist is rated in this league."
    )


def test_a_snapshot_that_joined_by_hand_begins_a_lineage(long_state: ReportState) -> None:
    base = next(row for row in long_state.members if row.name == "attention-0003")
    guest = dataclasses.replace(base, id=300, name="attention-3fa9c1", parent_id=base.id)
    child = dataclasses.replace(base, id=301, name="second", parent_id=300)
    state = dataclasses.replace(long_state, members=(*long_state.members, guest, child))
    attention, _, by_hand = _curves(state).lineages
    assert len(attention.snapshots) == 4
    assert by_hand.name == "attention-3fa9c1"
    assert [row.name for row in by_hand.snapshots] == ["attention-3fa9c1", "second"]


def test_a_snapshot_whose_name_was_taken_stays_in_its_lineage(long_state: ReportState) -> None:
    base = next(row for row in long_state.members if row.name == "attention-0003")
    # Its hash is "dddd...": that is how admission tells it from somebody called attention-0004.
    newest = dataclasses.replace(base, id=300, name="attention-0004-dddddddd", generation=4)
    newer = dataclasses.replace(base, id=301, name="attention-0005", generation=5)
    state = dataclasses.replace(long_state, members=(*long_state.members, newest, newer))
    attention, baseline = _curves(state).lineages
    assert "attention-0004-dddddddd" in [row.name for row in attention.snapshots]
    assert len(attention.snapshots) == 6 and baseline.snapshots == ()


def test_the_table_has_numbers_on_the_right_of_at_most_two_decimals(
    hand_made_league: LeagueFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["curves", "--min-matches", "3", "--league", str(hand_made_league.root)]
    assert main(asked) == 0
    printed = capsys.readouterr().out
    lines = [line.rstrip() for line in printed.splitlines()]
    row = next(line for line in lines if line.endswith("attention-0001 *"))
    heading = lines[lines.index(row) - 1]
    assert row.split()[:7] == ["12,345", "0.0", "40.54", "14.09", "25.78", "3", "1.00"]
    for name, value in (("decisions", "12,345"), ("mu", "40.54"), ("mu-3s", "25.78")):
        assert re.search(rf"{name}\b(?!-)", heading).end() == row.index(value) + len(value)  # type: ignore[union-attr]
    assert not re.search(r"\d\.\d{3}", printed)
    assert "None above the bar yet: no snapshots." in printed


def test_the_document_answers_for_every_lineage(
    hand_made_league: LeagueFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    there = ["--league", str(hand_made_league.root), "--json"]
    assert main(["curves", "--min-matches", "3", *there]) == 0
    (found,) = json.loads(capsys.readouterr().out)["leagues"]
    assert found["first_start"] == NOON.isoformat() and found["min_matches"] == 3
    attention, baseline = found["lineages"]
    assert attention["first_above"] == attention["snapshots"][0]
    promised = {
        *("name", "trained_decisions", "minutes", "mu", "sigma", "conservative", "matches"),
        "half_width",
        "mean_placement",
    }
    assert set(attention["snapshots"][0]) == promised
    assert baseline["snapshots"] == [] and baseline["first_above"] is None
    assert main(["curves", *there]) == 0  # 3 matches are not 30
    (found,) = json.loads(capsys.readouterr().out)["leagues"]
    assert found["lineages"][0]["first_above"] is None and found["bar"]["unproven"] == ["tribe"]


def test_folders_stand_beside_the_option_and_instead_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = (str(make_league(tmp_path / name).root) for name in ("one", "two"))
    monkeypatch.setenv("LEAGUE_DIR", one)
    for arguments, names in (
        ([], ["one"]),
        ([two], ["two"]),
        (["--league", one, two], ["one", "two"]),
        ([two, one, two], ["two", "one"]),
    ):
        assert main(["curves", "--json", *arguments]) == 0
        found = json.loads(capsys.readouterr().out)["leagues"]
        assert [league["league"] for league in found] == names
    same = str(make_league(tmp_path / "seed-2" / "one").root)
    assert main(["curves", "--json", one, same]) == 0
    found = json.loads(capsys.readouterr().out)["leagues"]
    assert [league["league"] for league in found] == [one, same]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere"], "nowhere: expected a league folder"),
        (["--min-matches", "0"], "--min-matches"),
        (["--against", "days"], "--against"),
    ],
)
def test_bad_input_is_a_sentence(
    arguments: list[str],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["curves", *arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.count("\n") == 1 and words in printed.err


def test_the_curves_change_nothing(hand_made_league: LeagueFolder) -> None:
    before = hand_made_league.sqlite.read_bytes()
    assert run(command, ["--league", str(hand_made_league.root)]) == 0
    assert hand_made_league.sqlite.read_bytes() == before


def test_labels_keep_their_distance_and_their_order() -> None:
    assert spread([0.2, 0.6], 0.1, 0, 1) == [0.2, 0.6]
    # two of one height share the way: 0.05 each
    assert spread([0.5, 0.5], 0.1, 0, 1) == pytest.approx([0.45, 0.55])
    # mean 0.5, so from 0.4; the order of the input is kept
    assert spread([0.52, 0.48, 0.5], 0.1, 0, 1) == pytest.approx([0.6, 0.4, 0.5])
    # a block may not leave the picture, and takes its neighbour along
    assert spread([0.98, 1.0, 0.85], 0.1, 0, 1) == pytest.approx([0.9, 1.0, 0.8])
    # more than there is room for: the gap is 1 / 4
    assert spread([0.0] * 5, 0.4, 0, 1) == pytest.approx([0, 0.25, 0.5, 0.75, 1])
    assert spread([], 0.1, 0, 1) == []


def test_one_league_and_several_are_drawn(
    hand_made_league: LeagueFolder, long_state: ReportState, tmp_path: Path
) -> None:
    pytest.importorskip("matplotlib")
    from PIL import Image

    asked = ["--league", str(hand_made_league.root), "--png", str(tmp_path / "one.png")]
    assert run(command, [*asked, "--against", "minutes"]) == 0
    several = [_curves(long_state), _curves(long_state), _curves(_state(hand_made_league))]
    draw_curves(several, tmp_path / "three.png")
    draw_curves([_curves(dataclasses.replace(long_state, members=()))], tmp_path / "empty.png")
    for name in ("one", "three", "empty"):
        with Image.open(tmp_path / f"{name}.png") as picture:
            assert picture.format == "PNG" and min(picture.size) >= 700


def test_the_tables_need_no_matplotlib_and_a_picture_says_how_to_get_it(
    hand_made_league: LeagueFolder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    there = ["--league", str(hand_made_league.root)]
    assert run(command, there) == 0
    capsys.readouterr()
    assert run(command, [*there, "--png", str(tmp_path / "x.png")]) == 2
    assert "pip install 'matplotlib" in capsys.readouterr().err
