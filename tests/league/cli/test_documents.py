"""What `--json` prints has the form of docs/schemas/, a version, and times in one form."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import click
import pytest

from league.cli.main import league, main
from tests.league.python.conftest import make_played_league
from tests.schemas import (
    BENCHES,
    COMMANDS,
    ELSEWHERE,
    FOLDER,
    ROOT,
    bench_schema,
    documents,
    errors,
    file_of,
    infer,
    merge,
)

# They run until they are ended, draw, serve, or print another format.
WITHOUT = {
    "start",
    "watch",
    "tensorboard",
    "completion",
    "maps show",
    "results export",
    "results schema",
}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, dict[str, Any]]]:
    """What each command printed, run one after the other on a small league."""
    folder = tmp_path_factory.mktemp("documents")
    make_played_league(folder / "league-data")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("LEAGUE_DIR", raising=False)
        yield dict(documents(folder))


@pytest.mark.parametrize("command", dict.fromkeys(COMMANDS))
def test_a_document_has_the_form_of_its_schema(
    command: str, found: dict[str, dict[str, Any]]
) -> None:
    document = found[command]
    assert next(iter(document)) == "schema"
    schema = json.loads(file_of(document["schema"]).read_text(encoding="utf-8"))
    assert schema["$id"] == document["schema"]
    assert list(errors(document, schema)) == []


def test_every_schema_is_checked_by_a_command_and_named_on_the_page(
    found: dict[str, dict[str, Any]],
) -> None:
    names = {document["schema"] for document in found.values()} | {*ELSEWHERE, "league-bench/1"}
    assert {path.name for path in FOLDER.glob("*.json")} == {file_of(name).name for name in names}
    page = (ROOT / "docs" / "json.md").read_text(encoding="utf-8")
    assert [name for name in sorted(names) if f"`{name}`" not in page] == []


def test_schemas_that_other_tests_check_are_checked_there() -> None:
    for name, where in ELSEWHERE.items():
        text = (ROOT / where).read_text(encoding="utf-8")
        assert "from tests.schemas import fits" in text, name
        command = name.removeprefix("league-").removesuffix("/1").replace("-", " ")
        assert "fits(" in text and (name in text or command.rpartition(" ")[2] in text), name


def test_the_whole_bench_prints_what_its_parts_print(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for part in BENCHES:
        monkeypatch.setattr(f"league.bench.{part}.run", lambda *a, **k: {})
    assert main(["bench", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    schema = json.loads(file_of("league-bench/1").read_text(encoding="utf-8"))
    assert schema == bench_schema()  # `python tests/schemas.py` writes it anew
    assert list(printed) == ["schema", *BENCHES] and set(schema["required"]) == set(printed)


def _leaves(group: click.Group, path: str = "") -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from _leaves(command, f"{path}{name} ")
        else:
            yield f"{path}{name}", command


def test_every_command_that_says_something_says_it_as_json_too() -> None:
    silent = {
        name
        for name, command in _leaves(league)
        if not any("--json" in parameter.opts for parameter in command.params)
    }
    assert silent <= WITHOUT


def test_a_document_of_another_form_is_noticed() -> None:
    schema = infer({"schema": "x/1", "at": "2026-11-25T18:00:00+00:00", "rows": [{"n": 1}]})
    right = {"schema": "x/1", "at": "2026-11-25T18:00:00+00:00", "rows": []}
    assert list(errors(right, schema)) == []
    for wrong, word in (
        ({"schema": "x/1", "rows": []}, "no key at"),
        ({"schema": "x/1", "at": "2026-11-25 18:00:00+00:00", "rows": []}, "expected a time"),
        ({"schema": "x/1", "at": "2026-11-25T19:00:00+01:00", "rows": []}, "expected a time"),
        ({"schema": "x/1", "at": "2026-11-25T18:00:00+00:00", "rows": [{"n": "1"}]}, "integer"),
        ({"schema": "x/1", "at": "2026-11-25T18:00:00+00:00", "rows": [{}]}, "no key n"),
    ):
        (error,) = errors(wrong, schema)
        assert word in error


def test_a_schema_is_widened_and_never_narrowed() -> None:
    one, two = infer({"a": 1, "b": None}), infer({"a": 1.5, "c": "x"})
    both = merge(one, two)
    assert both["properties"]["a"] == {"type": "number"} and both["required"] == ["a"]
    assert list(errors({"a": 2}, both)) == []
    row = infer([None, 1.5])
    assert list(errors([2.5, None, "x"], row)) == []  # null: anything may stand there
    assert merge(infer([]), infer([1])) == infer([1])
