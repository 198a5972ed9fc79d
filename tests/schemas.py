"""Schemas of `--json` documents: made from real ones, and a check of a document against one.

`python tests/schemas.py` runs the commands of `COMMANDS` on a small league and writes
docs/schemas/NAME.json, one file per name and version; what stands there already is widened, never
narrowed, so that the difference of a file shows what a change means to whoever reads documents.
tests/league/cli/test_documents.py checks the same commands against the files. What takes longer,
or needs other leagues, is checked where it is tested anyway, by `fits` (`ELSEWHERE`); run these
tests with WRITE_SCHEMAS=1 to widen their files.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from arena.match import MatchResult

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "schemas"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00")  # ISO 8601, UTC
LOOKS_LIKE_A_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d")
# Objects whose keys are names or measures and no part of the form.
OPEN = {"progress", "usage", "online", "smoothed", "copied", "crashes", "scalars"}

ELSEWHERE = {
    "league-bench-arena/1": "tests/league/cli/test_bench.py",
    "league-bench-audit/1": "tests/league/bench/test_audit.py",
    "league-bench-boats/1": "tests/league/bench/test_boats.py",
    "league-bench-ceiling/1": "tests/league/bench/test_ceiling.py",
    "league-bench-editions/1": "tests/league/cli/test_bench.py",
    "league-bench-learner/1": "tests/league/cli/test_bench.py",
    "league-bench-networks/1": "tests/league/bench/test_networks.py",
    "league-bench-planner/1": "tests/league/cli/test_bench.py",
    "league-bench-ratings/1": "tests/league/cli/test_bench.py",
    "league-bench-scale/1": "tests/league/bench/test_scale.py",
    "league-bench-scripts/1": "tests/league/bench/test_scripts.py",
    "league-bench-settings/1": "tests/league/bench/test_settings.py",
    "league-bench-territory/1": "tests/league/cli/test_bench.py",
    "league-bridge-check/1": "tests/league/cli/test_bridge.py",
    "league-bridge-evaluate/1": "tests/league/bridge/test_evaluate.py",
    "league-bridge-games/1": "tests/league/bridge/test_games.py",
    "league-bridge-play/1": "tests/league/bridge/test_pit_and_play.py",
    "league-compare/1": "tests/league/compare/test_compare.py",
    "league-exploit/1": "tests/league/exploit/test_exploit.py",
    "league-import/1": "tests/league/members/test_round_trip.py",
    "league-parity/1": "tests/league/cli/test_parity.py",
    "league-results-import/1": "tests/league/results/test_foreign.py",
}
# `league bench` prints what these print, each under its name.
BENCHES = ("territory", "networks", "arena", "learner", "ratings")

# In this order, in the folder beside the league `league-data`, which the last of them copy.
COMMANDS = (
    "status",
    "stop",
    "config learner",
    "report",
    "report --payoff",
    "curves",
    "curves --what training",
    "members",
    "members list",
    "members add scripted:turtle --name slow",
    "members rename slow slower",
    "members retire slower",
    "members resume slower",
    "members remove slower",
    "members check plugin:bot.py:make --ticks 10",
    "champion",
    "promote tribe --why first",
    "promote expander --why second",
    "champion",
    "rollback",
    "maps check generated:plains:64x64:1",
    "maps generate --preset lakes --size 64x64 --out lakes",
    "replay verify 1",
    "replay show 1",
    "replay show 1 --html seen.html",
    "replay export 1 seen.gif --side 64",
    "look 1 --seat 3 --decision 2",
    "look 1 --seat 3 --decision 2 --attention",
    "export attention-0001 --out mine.safetensors",
    "rerate --smooth",
    "results payoff",
    "prune --dry-run --replays 1",
    "pit expander idle --matches 2",
    "pit expander idle --plan 50",
    "pit expander idle tribe --mixed --matches 3",
    "evaluate expander --against idle --matches 2",
    "doctor",
    "backup copy",
    "restore copy --league again",
    "store copy kept",
)


def documents(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Run the commands in a folder with a league, which is the current one; yield what they say."""
    from agents import check
    from league.cli.main import main
    from league.folder.layout import LeagueFolder
    from league.pit.play import Play
    from league.python.playing import OwnProcess, _loaders

    loaders = _loaders(LeagueFolder.at(folder / "league-data"))
    started = Play._local_arena
    Play._local_arena = lambda self, n_workers: OwnProcess(*loaders)  # type: ignore[assignment, method-assign, return-value]
    tried, check.check_agent = check.check_agent, _tried_here
    (folder / "bot.py").write_text("def make(): ...\n", encoding="utf-8")
    try:
        for command in COMMANDS:
            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                main([*command.split(), "--json"])
            if not out.getvalue().startswith("{"):
                raise SystemExit(f"league {command} --json printed no document: {out.getvalue()}")
            yield command, json.loads(out.getvalue())
    finally:
        Play._local_arena = started  # type: ignore[method-assign]
        check.check_agent = tried


def _tried_here(name: str, *, max_ticks: int, edition: str) -> list[MatchResult]:
    """Take the place of agents.check, which tries a plug-in in a process of its own."""
    from agents.registry import make_loader
    from arena.match import MatchResult, MatchSpec, play_matches
    from arena.territory.engine.rules import MatchRules
    from arena.territory.maps import load_map

    agents = ("scripted:tribe",) * 10
    rules = MatchRules(max_ticks=max_ticks, edition=edition)
    spec = MatchSpec(1, "generated:plains:64x64:1", agents, rules)
    found = play_matches([spec], make_loader(None), load_map)
    return [each for each in found if isinstance(each, MatchResult)]


def infer(value: Any, key: str = "") -> dict[str, Any]:
    """Return the schema of one value; of a null nothing is known."""
    if value is None:
        return {}
    if isinstance(value, bool):
        return {"type": "boolean"}
    if isinstance(value, int | float):
        return {"type": "integer" if isinstance(value, int) else "number"}
    if isinstance(value, str):
        is_time = LOOKS_LIKE_A_TIME.match(value) is not None
        return {"type": "string", "format": "date-time"} if is_time else {"type": "string"}
    if isinstance(value, list):
        found: dict[str, Any] = {"type": "array"}
        for each in value:
            one = infer(each, key)
            found["items"] = merge(found["items"], one) if "items" in found else one
        return found
    if key in OPEN:
        return {"type": "object"}
    properties = {name: infer(each, name) for name, each in value.items()}
    return {"type": "object", "properties": properties, "required": sorted(properties)}


def merge(a: dict[str, Any], b: dict[str, Any]) -> dict[str, Any]:
    """Return a schema that both fit; without a type anything does."""
    if "const" in a:
        return a
    kinds = {a.get("type"), b.get("type")}
    if None in kinds:
        return {}
    if kinds == {"integer", "number"}:
        return {"type": "number"}
    if len(kinds) > 1:
        return {}
    if kinds == {"array"}:
        if "items" not in a or "items" not in b:  # empty lists tell nothing
            return {**a, **b}
        return {"type": "array", "items": merge(a["items"], b["items"])}
    if kinds == {"object"} and "properties" in a and "properties" in b:
        one, two = a["properties"], b["properties"]
        properties = {
            name: merge(one[name], two[name])
            if name in one and name in two
            else one.get(name, two.get(name, {}))
            for name in dict.fromkeys([*one, *two])
        }
        required = sorted(set(a["required"]) & set(b["required"]))
        return {"type": "object", "properties": properties, "required": required}
    return a if a == b else {"type": a["type"]}


def errors(value: Any, schema: dict[str, Any], path: str = "$") -> Iterator[str]:
    """Yield where a document does not fit its schema, in the part of JSON Schema used here."""
    if "const" in schema and value != schema["const"]:
        yield f"{path}: expected {schema['const']!r}, found {value!r}"
    kind = schema.get("type")
    types: dict[str, Any] = {
        "object": dict,
        "array": list,
        "string": str,
        "boolean": bool,
        "integer": int,
        "number": (int, float),
    }
    if kind is not None and (
        not isinstance(value, types[kind]) or (kind != "boolean" and isinstance(value, bool))
    ):
        yield f"{path}: expected {kind}, found {value!r}"
        return
    if isinstance(value, str):
        if (schema.get("format") == "date-time" or LOOKS_LIKE_A_TIME.match(value)) and (
            TIME.fullmatch(value) is None
        ):
            yield f"{path}: expected a time such as 2026-11-25T18:00:00+00:00, found {value!r}"
    elif isinstance(value, list):
        for at, each in enumerate(value):
            yield from errors(each, schema.get("items", {}), f"{path}[{at}]")
    elif isinstance(value, dict):
        for name in schema.get("required", ()):
            if name not in value:
                yield f"{path}: no key {name}"
        for name, each in value.items():
            yield from errors(each, schema.get("properties", {}).get(name, {}), f"{path}.{name}")


def fits(document: dict[str, Any], name: str | None = None) -> None:
    """Fail unless a document has the form of its schema on file.

    Args:
        name: of the schema, where the document is what the command prints without its first key.
    """
    document = document if name is None else {"schema": name, **json.loads(json.dumps(document))}
    assert next(iter(document)) == "schema" and document["schema"] in ELSEWHERE
    if os.environ.get("WRITE_SCHEMAS"):
        write(iter([(_command_of(document["schema"]), document)]))
    schema = json.loads(file_of(document["schema"]).read_text(encoding="utf-8"))
    assert schema["$id"] == document["schema"]
    assert list(errors(document, schema)) == []


def _command_of(name: str) -> str:
    words = name.removeprefix("league-").removesuffix("/1").split("-")
    return " ".join(words)


def bench_schema() -> dict[str, Any]:
    """Return the schema of `league bench --json`, made of those of its parts."""
    parts = {}
    for part in BENCHES:
        text = file_of(f"league-bench-{part}/1").read_text(encoding="utf-8")
        form = json.loads(text)
        properties = {key: each for key, each in form["properties"].items() if key != "schema"}
        required = [key for key in form["required"] if key != "schema"]
        parts[part] = {"type": "object", "properties": properties, "required": required}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "league-bench/1",
        "title": "league bench --json",
        "type": "object",
        "properties": {"schema": {"const": "league-bench/1"}, **parts},
        "required": sorted(["schema", *BENCHES]),
    }


def file_of(name: str) -> Path:
    """Return the file of a schema's name and version, such as league-report/1."""
    return FOLDER / f"{name.replace('/', '-')}.json"


def write(found: Iterator[tuple[str, dict[str, Any]]]) -> None:
    """Write or widen the schemas of documents."""
    FOLDER.mkdir(exist_ok=True)
    for command, document in found:
        name = document["schema"]
        schema = infer(document)
        schema["properties"]["schema"] = {"const": name}
        if (path := file_of(name)).is_file():
            known = json.loads(path.read_text(encoding="utf-8"))
            schema = {**merge(known, schema), "title": known["title"]}
        else:
            schema["title"] = f"league {command} --json"
        whole = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": name, **schema}
        path.write_text(json.dumps(whole, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    from tests.league.python.conftest import make_played_league

    with tempfile.TemporaryDirectory() as made:
        make_played_league(Path(made) / "league-data")
        os.chdir(made)
        write(documents(Path(made)))
    text = json.dumps(bench_schema(), indent=1, sort_keys=True) + "\n"
    file_of("league-bench/1").write_text(text, encoding="utf-8")
