"""Match in, result out; failures are the guilty agent's alone; replays lead to the same end."""

from __future__ import annotations

import errno
import json
import zlib
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from arena.agent import Agent, IntArray, SeatBatch
from arena.errors import MatchError, ReplayError
from arena.match import MatchFailure, MatchResult, MatchSpec, play_matches
from arena.replay import (
    Label,
    load_small_map,
    read_replay,
    verify,
    write_replay,
    write_replays,
)
from arena.territory.engine.rules import MatchRules
from arena.territory.maps import TerritoryMap, load_map

MAP = "generated:continents:64x64:5"
RULES = MatchRules(max_ticks=200)
LOAD_MAP = lru_cache(8)(load_map)


class AnyLegal:
    """A uniformly random legal action."""

    def reset(self, rows: IntArray) -> None:
        pass

    def act(self, batch: SeatBatch, rng: np.random.Generator) -> IntArray:
        noise = batch.noise(45) * batch.action_mask
        return noise.argmax(axis=1).astype(np.int64)


class Broken(AnyLegal):
    def act(self, batch: SeatBatch, rng: np.random.Generator) -> IntArray:
        raise RuntimeError("out of ideas")


def load_agent(spec: str) -> Agent:
    return Broken() if spec == "broken" else AnyLegal()


def spec_of(seed: int, agents: tuple[str, ...] = ("any",) * 10, **more: object) -> MatchSpec:
    return MatchSpec(seed, MAP, agents, RULES, **more)  # type: ignore[arg-type]


def test_a_spec_survives_json() -> None:
    spec = spec_of(7, rotation=3)
    assert MatchSpec.from_json(json.loads(json.dumps(spec.to_json()))) == spec


def test_the_same_spec_gives_the_same_match_and_another_seed_another_one() -> None:
    first, again, other = play_matches([spec_of(1), spec_of(1), spec_of(2)], load_agent, LOAD_MAP)
    assert isinstance(first, MatchResult) and isinstance(again, MatchResult)
    assert isinstance(other, MatchResult)
    assert first.final_state_sha256 == again.final_state_sha256
    assert first.placements == again.placements
    assert first.actions == again.actions
    assert first.final_state_sha256 != other.final_state_sha256


def test_a_failing_agent_fails_its_own_matches_and_no_others() -> None:
    agents = ("any",) * 9 + ("broken",)
    good, bad = play_matches([spec_of(1), spec_of(2, agents)], load_agent, LOAD_MAP)
    assert isinstance(good, MatchResult)
    assert isinstance(bad, MatchFailure)
    assert bad.blamed == ("broken",)
    assert "out of ideas" in bad.error
    assert "RuntimeError" in bad.traceback


class Shifter(AnyLegal):
    """Writes into everything that it is given, and keeps the rows from moving."""

    def act(self, batch: SeatBatch, rng: np.random.Generator) -> IntArray:
        chosen = super().act(batch, rng)
        with pytest.raises(ValueError, match="read-only"):
            batch.rows += 1
        for given in (batch.action_mask, batch.own, batch.directions):
            given[:] = 1
        return chosen


def test_an_agent_that_writes_into_its_batch_changes_nothing_of_the_match() -> None:
    honest, shifting = (
        play_matches([spec_of(3)], lambda name, kind=kind: kind(), LOAD_MAP)[0]  # type: ignore[misc]
        for kind in (AnyLegal, Shifter)
    )
    assert isinstance(honest, MatchResult) and isinstance(shifting, MatchResult)
    assert shifting.final_state_sha256 == honest.final_state_sha256


class Leaver(AnyLegal):
    def act(self, batch: SeatBatch, rng: np.random.Generator) -> IntArray:
        raise SystemExit(3)


class Forgetful(AnyLegal):
    def reset(self, rows: IntArray) -> None:
        raise RuntimeError("no memory")


@pytest.mark.parametrize(
    ("kind", "says"),
    [(Leaver, "SystemExit: 3"), (Forgetful, "no memory")],
)
def test_an_agent_that_exits_or_fails_at_the_start_is_blamed(kind: type[Agent], says: str) -> None:
    (outcome,) = play_matches([spec_of(3)], lambda name: kind(), LOAD_MAP)
    assert isinstance(outcome, MatchFailure)
    assert says in outcome.error
    assert outcome.blamed == (spec_of(3).agents[0],)


class OfEdition2026(AnyLegal):
    observation_version = 3


def test_an_agent_of_another_edition_is_refused_in_every_match_of_a_batch() -> None:
    outcomes = play_matches([spec_of(3), spec_of(4)], lambda name: OfEdition2026(), LOAD_MAP)
    for outcome in outcomes:
        assert isinstance(outcome, MatchFailure)
        assert "any reads observation version 3 and this match, of edition 2025" in outcome.error
        assert outcome.blamed == ("any",)


def test_trouble_of_the_machine_is_told_from_that_of_an_agent() -> None:
    def load(spec: str) -> Agent:
        if spec == "unreadable":
            try:
                raise PermissionError(errno.EACCES, "Permission denied", "weights")
            except OSError as error:
                raise RuntimeError("the snapshot cannot be read") from error
        return load_agent(spec)

    def load_map(reference: str) -> TerritoryMap:
        if reference == "elsewhere":
            raise OSError(errno.EMFILE, "Too many open files")
        return LOAD_MAP(reference)

    others = ("any",) * 9
    specs = [spec_of(1, (*others, "unreadable")), spec_of(2, (*others, "broken"))]
    specs.append(replace(spec_of(3), map="elsewhere"))
    unreadable, broken, no_map = play_matches(specs, load, load_map)
    assert isinstance(unreadable, MatchFailure) and isinstance(broken, MatchFailure)
    assert isinstance(no_map, MatchFailure)
    assert (unreadable.fault, unreadable.blamed) == ("machine", ("unreadable",))
    assert (broken.fault, broken.blamed) == ("match", ("broken",))
    assert (no_map.fault, no_map.blamed) == ("machine", ())


def test_a_map_that_has_changed_is_refused() -> None:
    (outcome,) = play_matches([spec_of(1, map_sha256="0" * 64)], load_agent, LOAD_MAP)
    assert isinstance(outcome, MatchFailure)
    assert "has changed" in outcome.error
    assert outcome.blamed == ()


def test_a_spec_needs_one_agent_per_seat() -> None:
    with pytest.raises(MatchError, match=r"expected 10 agents .* found 9"):
        spec_of(1, ("any",) * 9)


def _recorded(tmp_path: Path) -> tuple[Path, MatchResult]:
    (result,) = play_matches([spec_of(3)], load_agent, LOAD_MAP)
    assert isinstance(result, MatchResult)
    path = tmp_path / "match.replay"
    write_replay(result, path)
    return path, result


def test_a_replay_leads_to_the_same_final_state(tmp_path: Path) -> None:
    path, result = _recorded(tmp_path)
    assert verify(read_replay(path), LOAD_MAP) == result.final_state_sha256


def test_a_replay_names_its_members_and_the_hashes_of_rules_and_map(tmp_path: Path) -> None:
    path, result = _recorded(tmp_path)
    plain = path.stat().st_size
    label = Label(tuple(f"attention-{n:04d}" for n in range(10)), "a" * 64, "b" * 64, 745)
    write_replay(result, path, label)
    assert read_replay(path).label == label
    assert verify(read_replay(path), LOAD_MAP) == result.final_state_sha256
    assert path.stat().st_size < plain + 200
    other = tmp_path / "other.replay"
    write_replays({path: result, other: result}, {path: label})
    assert (read_replay(path).label, read_replay(other).label) == (label, Label())


def test_a_replay_of_an_older_release_has_an_empty_label(tmp_path: Path) -> None:
    old = Path(__file__).parents[2] / "docs" / "images" / "observation.replay"
    assert b"label" not in zlib.decompressobj().decompress(old.read_bytes()[8:])
    assert read_replay(old).label == Label()


def test_a_full_match_of_3000_ticks_is_recorded_in_3_kb(tmp_path: Path) -> None:
    spec = MatchSpec(1, "generated:plains:256x256:1", ("any",) * 10, MatchRules(max_ticks=3_000))
    (result,) = play_matches([spec], load_agent, LOAD_MAP)
    assert isinstance(result, MatchResult)
    # At most 300 decisions of 10 seats; 45 actions are 5.5 bits: 2,062 bytes and the description.
    assert write_replay(result, tmp_path / "long.replay") <= 3_000


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda b: b"XXXX" + b[4:], "is not a replay"),
        (lambda b: b[: len(b) // 3], "damaged"),
        (lambda b: b[:12] + bytes([b[12] ^ 255]) + b[13:], "damaged"),
        (lambda b: b[:-9], "damaged"),
    ],
)
def test_a_damaged_replay_is_one_sentence(tmp_path: Path, damage, says: str) -> None:  # type: ignore[no-untyped-def]
    path, _ = _recorded(tmp_path)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ReplayError, match=says):
        verify(read_replay(path), LOAD_MAP)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("spec", None), ("spec", []), ("ticks", None), ("ticks", "many"), ("placements", 7),
        ("rules_version", {}), ("spec.seed", "x"), ("spec.seed", None), ("spec.rotation", []),
        ("spec.views", 3), ("spec.rules", []), ("spec.agents", None), ("spec.tempo", 1),
        ("label", 3), ("label.names", None), ("label.names", ["one of ten"]),
        ("label.names", ["n" * 201] * 10), ("label.match_id", "x"),
    ],
)  # fmt: skip
def test_a_replay_whose_description_is_of_the_wrong_kind_is_one_sentence(
    tmp_path: Path, key: str, value: Any
) -> None:
    path, _ = _recorded(tmp_path)
    content = path.read_bytes()
    end = 8 + int.from_bytes(content[4:8], "little")
    header = json.loads(zlib.decompress(content[8:end]))
    *outer, last = key.split(".")
    (header[outer[0]] if outer else header)[last] = value
    packed = zlib.compress(json.dumps(header).encode())
    path.write_bytes(content[:4] + len(packed).to_bytes(4, "little") + packed + content[end:])
    with pytest.raises(ReplayError, match="damaged"):
        verify(read_replay(path), LOAD_MAP)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"max_ticks": 2**62}, "at most 1,000,000"),
        ({"ticks_per_decision": 2**62}, "at most 1,000,000"),
    ],
)
def test_a_replay_that_would_take_for_ever_is_refused(
    tmp_path: Path, changes: dict[str, int], says: str
) -> None:
    (result,) = play_matches([spec_of(3)], load_agent, LOAD_MAP)
    assert isinstance(result, MatchResult)
    rules = MatchRules(**{**vars(result.spec.rules), **changes})
    spec = MatchSpec(**{**vars(result.spec), "rules": rules})
    path = tmp_path / "match.replay"
    write_replay(MatchResult(**{**vars(result), "spec": spec}), path)
    with pytest.raises(ReplayError, match=says):
        read_replay(path)


def test_packed_actions_take_no_more_memory_than_the_rules_allow(tmp_path: Path) -> None:
    (result,) = play_matches([spec_of(3)], load_agent, LOAD_MAP)
    assert isinstance(result, MatchResult)
    bomb = zlib.compress(bytes(201))  # 10 seats at 200 / 10 decisions make 200 actions at most
    path = tmp_path / "match.replay"
    write_replay(MatchResult(**{**vars(result), "actions": bomb}), path)
    with pytest.raises(ReplayError, match="unpacks to more than the 200 bytes"):
        read_replay(path)


def test_a_replay_file_makes_no_map_of_gigabytes(tmp_path: Path) -> None:
    with pytest.raises(ReplayError, match="maps of more than 4,194,304 tiles"):
        load_small_map("generated:continents:4096x4096:1", tmp_path)
    assert load_small_map(MAP, tmp_path).sha256 == LOAD_MAP(MAP).sha256


def test_a_replay_with_other_placements_is_refused(tmp_path: Path) -> None:
    (result,) = play_matches([spec_of(3)], load_agent, LOAD_MAP)
    assert isinstance(result, MatchResult)
    path = tmp_path / "match.replay"
    write_replay(MatchResult(**{**vars(result), "placements": (1,) * 10}), path)
    with pytest.raises(ReplayError, match="another result"):
        verify(read_replay(path), LOAD_MAP)


def test_a_replay_with_another_end_is_refused(tmp_path: Path) -> None:
    (result,) = play_matches([spec_of(3)], load_agent, LOAD_MAP)
    assert isinstance(result, MatchResult)
    tampered = MatchResult(**{**vars(result), "final_state_sha256": "0" * 64})
    path = tmp_path / "match.replay"
    write_replay(tampered, path)
    with pytest.raises(ReplayError, match="ends differently"):
        verify(read_replay(path), LOAD_MAP)


def test_a_replay_of_another_rules_version_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, _ = _recorded(tmp_path)
    monkeypatch.setattr("arena.replay.RULES_VERSION", 99)
    with pytest.raises(ReplayError, match="rules version 1, and this program plays version 99"):
        verify(read_replay(path), LOAD_MAP)
