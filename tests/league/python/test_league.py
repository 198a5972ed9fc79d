"""A league in Python: read-only, beside a running one, the numbers of the report."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import league
from agents.errors import PolicyError
from arena.errors import MatchError
from arena.replay import verify
from arena.territory.maps import load_map
from db import queries
from db.errors import NotFoundError
from db.session import open_writer, write_transaction
from league.errors import FolderError, MemberError, PackageError, PitError, UsageError
from league.folder.layout import LeagueFolder
from league.report.state import StateReader

TEN = ["attention-0001", *["scripted:tribe"] * 9]


@pytest.fixture
def pandas() -> Any:
    return pytest.importorskip("pandas")


def files(folder: LeagueFolder) -> dict[str, str]:
    """The hash of every file but SQLite's own notes of who reads."""
    return {
        str(path.relative_to(folder.root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.root.rglob("*"))
        if path.is_file() and not path.name.endswith(("-wal", "-shm"))
    }


def test_nothing_of_a_league_changes_whatever_is_read_or_played(
    played_league: LeagueFolder, pandas: Any
) -> None:
    before = files(played_league)
    with league.open(played_league.root) as L:
        L.standings(), L.ratings("tribe"), L.matches(), L.payoff(), L.training("attention")
        L.member("attention-0001").policy()
        L.match(1).frames()
        L.play(TEN)
        L.pit("attention-0001", "scripted:turtle", matches=2)
        L._repr_html_()
    assert files(played_league) == before


def test_what_is_committed_meanwhile_is_seen_and_no_writer_waits(
    played_league: LeagueFolder,
) -> None:
    with league.open(played_league.root) as L:
        assert "4 members, 12 rated matches" in repr(L)
        engine = open_writer(played_league.sqlite, busy_s=0.5)
        with write_transaction(engine) as session:
            queries.add_member(
                session, name="new", family="plugin", role="main", agent_spec="plugin:a:b"
            )
            assert "4 members" in repr(L)  # read while another process writes
        engine.dispose()
        assert "5 members" in repr(L)


def test_standings_are_those_of_the_report(played_league: LeagueFolder, pandas: Any) -> None:
    with StateReader(played_league) as reader:
        expected = reader.read().members
    with league.open(played_league.root) as L:
        table = L.standings()
        assert L.members() == [row.name for row in expected]
    assert list(table.name) == [row.name for row in expected]
    assert list(table["rank"]) == [1, 2, 3, 4]
    for column, field in (("mu", "mu"), ("low", "rank_low"), ("matches", "matches")):
        assert list(table[column]) == [getattr(row, field) for row in expected]
    assert np.isnan(table.set_index("name").half_width["tribe"])
    assert table.set_index("name").mu["tribe"] == 25.0


def test_a_rating_history_ends_at_the_standings_on_the_scale_of_its_moment(
    played_league: LeagueFolder, pandas: Any
) -> None:
    with league.open(played_league.root) as L:
        table = L.standings().set_index("name")
        for name in ("attention-0001", "tribe"):
            history = L.ratings(name)
            assert len(history) == 13  # an admission and twelve matches
            assert np.isnan(history.match[0]) and list(history.match[1:]) == list(range(1, 13))
            assert history.mu.iloc[-1] == pytest.approx(table.mu[name], abs=1e-12)
        assert (L.ratings("tribe").mu == 25.0).all()


def test_matches_are_chosen_by_member_map_time_and_number(
    played_league: LeagueFolder, pandas: Any
) -> None:
    with league.open(played_league.root) as L:
        assert list(L.matches().match) == list(range(1, 13))
        # Match n ended n - 1 minutes after noon; a time without a zone is UTC.
        assert list(L.matches(since="2026-03-01T12:09").match) == [10, 11, 12]
        assert list(L.matches(since="2026-03-01T14:09+02:00").match) == [10, 11, 12]
        assert list(L.matches(last=2).match) == [11, 12]
        assert len(L.matches(map="plains")) == 12 and len(L.matches(map="_lains")) == 0
        assert len(L.matches(member="idle")) == 12
        assert list(L.matches(purpose="pit").columns) == list(L.matches().columns)
        row = L.matches(last=1).iloc[0]
        assert row.winner == ", ".join(L.match(12).winners) and row.has_replay
        with pytest.raises(UsageError, match=r"since: expected a time .* found 'noon'"):
            L.matches(since="noon")
        with pytest.raises(NotFoundError, match="league members"):
            L.matches(member="nobody")


def test_the_payoff_counts_common_matches_and_hides_few(
    played_league: LeagueFolder, pandas: Any
) -> None:
    with league.open(played_league.root) as L:
        payoff = L.payoff()
        places = [{row.name: row.place for row in L.match(n).results[:4]} for n in range(1, 13)]
        above = [
            1.0 if p["expander"] < p["idle"] else 0.5 * (p["expander"] == p["idle"]) for p in places
        ]
        assert payoff.loc["expander", "idle"] == pytest.approx(np.mean(above))
        assert payoff.loc["idle", "expander"] == pytest.approx(1 - np.mean(above))
        assert payoff.games.loc["expander", "idle"] == 12
        assert (payoff.low.loc["expander", "idle"] <= np.mean(above)).all()
        assert payoff.isna().sum().sum() == 4  # the diagonal
        assert L.payoff(min_common=13).isna().all().all()
        assert payoff.cycles() == []
        assert type(payoff[["idle"]]) is pandas.DataFrame


def test_training_leaves_out_what_a_crash_took_back(
    played_league: LeagueFolder, pandas: Any
) -> None:
    with league.open(played_league.root) as L:
        assert list(L.training("attention").decisions) == [1_280, 2_560, 3_200]
        assert list(L.training("attention", lasting=False).number) == [1, 2, 3, 4]
        assert list(L.training("attention").entropy) == [2.0, 1.0, 0.5]
        with pytest.raises(UsageError, match=r"a learner of this league \(attention\)"):
            L.training("baseline")


def test_the_held_out_score_counts_whom_nobody_trains_against(
    played_league: LeagueFolder, pandas: Any
) -> None:
    with league.open(played_league.root) as L:
        (row,) = L.held_out("attention").to_dict("records")
        (told,) = (each for each in L._state().members if each.name == row["member"])
        assert told.held_out is not None  # the report says the same, with an interval
        assert row["score"] == pytest.approx(told.held_out.score)
        assert row["matches"] == told.held_out.n_matches
        places = [{each.name: each.place for each in L.match(n).results[:4]} for n in range(1, 13)]
        above = [
            1.0 if p["attention-0001"] < p["idle"] else 0.5 * (p["attention-0001"] == p["idle"])
            for p in places
        ]
        assert (row["member"], row["matches"]) == ("attention-0001", 12)
        assert row["score"] == pytest.approx(np.mean(above))
        with pytest.raises(UsageError, match="a learner of this league"):
            L.held_out("nobody")


def test_frames_are_the_board_from_start_to_end(played_league: LeagueFolder) -> None:
    with league.open(played_league.root) as L:
        match = L.match(3)
        frames = match.frames()
        # 200 ticks in decisions of 25: nine frames, unless the match ended before.
        assert frames.shape == (-(-match.ticks // 25) + 1, 64, 64) and frames.dtype == np.uint8
        for row in match.results:
            assert (frames[-1] == row.seat + 1).sum() == row.tiles
        land = load_map(match.map).land
        assert (frames[0][~land] == 255).all() and (frames[0][land] <= 10).all()
        thinned = match.frames(every=3)
        assert len(thinned) < len(frames) and (thinned[-1] == frames[-1]).all()
        with pytest.raises(ValueError, match="every: expected 1 or more"):
            match.frames(every=0)


def test_a_match_becomes_a_page_of_one_file(played_league: LeagueFolder, tmp_path: Path) -> None:
    with league.open(played_league.root) as L:
        stored = L.match(2).to_html(tmp_path / "stored.html", seat=3)
        played = L.play(TEN).to_html(tmp_path / "played.html")
    for page, title in ((stored, "Match 2"), (played, "generated:plains:64x64:1, seed 1")):
        text = page.read_text(encoding="utf-8")
        assert f"<title>{title}</title>" in text and "attention-0001" in text
        assert "https://" not in text.replace("https://www.w3.org", "")


def test_a_match_that_was_just_played_can_be_verified_and_comes_again(
    played_league: LeagueFolder,
) -> None:
    with league.open(played_league.root) as L:
        match = L.play(TEN, seed=5)
        again = L.play(TEN, seed=5)
        other = L.play(TEN, seed=6)
    assert match.id is None and match.results == again.results != other.results
    assert verify(match.replay, load_map) == match.replay.final_state_sha256
    assert match.replay.label.names == tuple(TEN)
    assert sorted(row.place for row in match.results)[0] == 1
    assert "won on generated:plains" in repr(match)


def test_who_cannot_play_is_a_sentence(played_league: LeagueFolder) -> None:
    with league.open(played_league.root) as L:
        with pytest.raises(UsageError, match="expected 10 members, one for each seat"):
            L.play(["tribe"])
        with pytest.raises(NotFoundError, match="nobody"):
            L.play(["nobody"] * 10)
        with pytest.raises(PitError, match="`league import`"):
            L.play(["there.safetensors"] * 10)
        with pytest.raises(MatchError, match="could not be loaded"):
            L.play(["plugin:no_such_module:make"] * 10)


def test_a_policy_takes_one_observation_or_many_framed_or_not(
    played_league: LeagueFolder,
) -> None:
    import gymnasium

    import arena  # noqa: F401  (registers Territory-v0)

    seen, info = gymnasium.make("Territory-v0").reset(seed=1)
    with league.open(played_league.root) as L:
        policy = L.member("attention-0001").policy(seed=3)
        with pytest.raises(MemberError, match=r"a member with a network, found tribe"):
            L.member("tribe").policy()
    action, value = policy.act(seen)
    assert info["action_mask"][action] == 1 and isinstance(value, float)
    chances = policy.probabilities(seen)
    assert chances.sum() == pytest.approx(1.0)
    assert (chances[info["action_mask"] == 0] == 0).all()
    assert policy.act(seen, greedy=True)[0] == chances.argmax()
    bare = dict(seen) | {
        key: seen[key][:, m : seen[key].shape[1] - m, m : seen[key].shape[2] - m]
        for key, m in (("global", 2), ("local", 2), ("tactical", 10))
    }
    assert bare["tactical"].shape[1:] == (16, 16)
    many = {key: np.stack([value, value, value]) for key, value in bare.items()}
    actions, values = policy.act(many)
    assert actions.shape == (3,) and values == pytest.approx(np.full(3, value), abs=1e-5)
    with pytest.raises(PolicyError, match=r"'global' with shape .*32/32/16"):
        policy.act({**bare, "global": bare["global"][:, :16, :16]})


def test_actions_are_drawn_as_often_as_they_are_probable(played_league: LeagueFolder) -> None:
    import gymnasium

    import arena  # noqa: F401

    seen, _ = gymnasium.make("Territory-v0").reset(seed=1)
    with league.open(played_league.root) as L:
        policy = L.member("attention-0001").policy()
    n = 4_000
    many = {key: np.repeat(value[None], n, axis=0) for key, value in seen.items()}
    actions, _ = policy.act(many)
    chances = policy.probabilities(seen)
    shares = np.bincount(actions, minlength=45) / n
    # Four standard errors of the most uncertain share: 4 * sqrt(.25 / 4,000) = .032.
    assert np.abs(shares - chances).max() < 0.032


def test_a_head_to_head_keeps_nothing_unless_it_is_asked_to(played_league: LeagueFolder) -> None:
    with league.open(played_league.root) as L:
        loose = L.pit("expander", "idle", matches=4)
        kept = L.pit("expander", "idle", matches=4, keep=True)
        assert loose.report.estimate == kept.report.estimate
        assert "mirrored pairs" in str(kept) and "expander" in kept._repr_html_()
        assert kept.score == pytest.approx(kept.report.estimate.score) and kept.interval[0] < 1
    engine = open_writer(played_league.sqlite)
    with write_transaction(engine) as session:
        assert queries.matches_by_status(session, "pit") == {"finished": 4}
    engine.dispose()


def test_what_a_notebook_shows_is_escaped(played_league: LeagueFolder) -> None:
    engine = open_writer(played_league.sqlite)
    with write_transaction(engine) as session:
        found = queries.resolve_member(session, "idle")
        queries.rename_member(session, found.id, "<script>x")
    engine.dispose()
    with league.open(played_league.root) as L:
        for page in (L._repr_html_(), L.match(1)._repr_html_()):
            assert "&lt;script&gt;x" in page and "<script>" not in page


def test_a_league_that_is_not_there_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(FolderError, match="league start"):
        league.open(tmp_path / "nothing")
    monkeypatch.setenv("LEAGUE_DIR", str(tmp_path / "elsewhere"))
    with pytest.raises(FolderError, match="elsewhere"):
        league.open()


def test_without_pandas_a_table_says_what_to_install(
    played_league: LeagueFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with league.open(played_league.root) as L:
        for table in (L.standings, L.payoff, L.matches, lambda: L.match(1).seats):
            with pytest.raises(PackageError, match=r"pip install '?pandas"):
                table()
        assert L.members()  # what needs no table works


def test_opening_a_league_loads_neither_torch_nor_pandas_nor_the_game() -> None:
    program = (
        "import sys, league\n"
        "assert not [m for m in sys.modules if m.startswith('league.')], 'not light'\n"
        "league.open\n"
        "heavy = {'torch', 'pandas', 'numba', 'arena.match'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "assert 'open' in dir(league)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)
