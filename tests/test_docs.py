"""The documents name what exists: commands, options, settings, files, modules.

Read are README.md, CONTRIBUTING.md, SECURITY.md and docs/: their links, their code spans, and their
code blocks except those marked as `text` (output, drawings).
"""

from __future__ import annotations

import pkgutil
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pydantic
import pytest

from league.cli.main import league
from league.config.tree import LeagueConfig

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "SECURITY.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]
PACKAGES = ("league", "agents", "msattn", "arena", "db")

# Names that are no files of the repository, and where they are.
ELSEWHERE = {
    "league.toml": "in every league folder",
    "league.db": "in every league folder",
    "map.bin": "in every folder of a map",
    "manifest.json": "in every folder of a map",
    "mybots.py": "the reader's own plug-in",
    "seen.png": "made by the command beside it",
}

# Pages that docs/site/reference.py makes when the site is built.
MADE_FOR_THE_SITE = ("commands.md", "settings.md", "tables.md")

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`]+)`")
_LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")
_FILE = re.compile(r"[\w./-]*\w\.(?:py|pyi|md|toml|txt|yml|yaml|json|png|svg|replay|db|bin)")
_FOLDER = re.compile(r"\.?\w+(?:/[\w.-]+)*/|\.?\w+(?:/[\w.-]+)+")
_MODULE = re.compile(rf"(?:{'|'.join(PACKAGES)})(?:\.\w+)+")


def code(document: str) -> Iterator[str]:
    """Yield every code span and every line of a code block, on one line each."""
    for language, block in _BLOCK.findall(document):
        if language != "text":
            for line in block.replace("\\\n", " ").splitlines():
                yield re.sub(r"(^|\s)#.*", "", line).strip()
    for span in _SPAN.findall(_BLOCK.sub("", document)):
        yield re.sub(r"\s+", " ", span).strip()


def _options(command: click.Command) -> set[str]:
    return {name for parameter in command.params for name in parameter.opts}


def _all_options(command: click.Command) -> set[str]:
    below = command.commands.values() if isinstance(command, click.Group) else ()
    return _options(command).union({"--help"}, *(_all_options(each) for each in below))


def command_errors(line: str) -> list[str]:
    """Return what is wrong with a line such as `league maps check|show [--json] PATH`."""
    words = re.sub(r"[\[\]()]|\.\.\.", " ", line.replace("\\|", "|")).split()
    if words[:1] != ["league"]:
        return []
    group: click.Group = league
    commands: list[click.Command] = [league]
    errors = []
    names_a_command = True  # the next word, which is then no argument
    for word in words[1:]:
        if word.startswith("-"):
            known = {"--help"}.union(*(_options(each) for each in (league, group, *commands)))
            if word.partition("=")[0] not in known:
                errors.append(f"{line!r}: no option {word}")
        elif word == "|":  # another command of the same group
            names_a_command = True
        elif names_a_command:
            found = [group.commands.get(name) for name in word.split("|")]
            commands = [each for each in found if each is not None]
            if len(commands) < len(found):
                return [*errors, f"{line!r}: no command {word}"]
            if isinstance(commands[0], click.Group):
                group = commands[0]
            else:
                names_a_command = False
    return errors


def option_errors(line: str) -> list[str]:
    """Return the line when it is an option alone that no command has."""
    option = re.match(r"--[a-z-]+", line)
    unknown = option is not None and option[0] not in _all_options(league)
    return [f"{line!r}: no command has this option"] if unknown else []


def setting_errors(line: str) -> list[str]:
    """Return the keys after `--set` that a league's settings do not have."""
    errors = []
    for key in re.findall(r"--set (\w+(?:\.\w+)*)=", line):
        model: Any = LeagueConfig
        for name in key.split(".") if key != "key" else ():
            fields = model.model_fields if _is_model(model) else {}
            if name not in fields:
                errors.append(f"{line!r}: no setting {key}")
                break
            model = fields[name].annotation
    return errors


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, pydantic.BaseModel)


def _tracked() -> list[Path]:
    """Return the files that git tracks or would track, else (no git) all files."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode == 0:
        return [ROOT / line for line in listed.stdout.splitlines()]
    return [path for path in ROOT.rglob("*") if path.is_file()]


FILE_NAMES = {path.name for path in _tracked()}
TOP_NAMES = {path.relative_to(ROOT).parts[0] for path in _tracked()}


def path_errors(line: str) -> list[str]:
    """Return the files and folders of the repository that a line names and that do not exist.

    A name without a folder may stand anywhere in the repository. A name with folders is looked up
    from the root if it is a file, or if it begins with a name that stands there.
    """
    errors = []
    for path in line.split():
        is_file = _FILE.fullmatch(path) is not None and not path.startswith("..")
        if is_file and "/" not in path:
            exists = path in FILE_NAMES or path in ELSEWHERE
        elif is_file or (_FOLDER.fullmatch(path) and path.split("/")[0] in TOP_NAMES):
            exists = (ROOT / path).exists()
        else:
            continue
        if not exists:
            errors.append(f"{line!r}: no file {path}")
    return errors


def _is_setting(key: str) -> bool:
    return not setting_errors(f"--set {key}=")


def module_errors(line: str) -> list[str]:
    """Return the dotted names of our packages that cannot be imported."""
    errors = []
    for word in re.findall(r"[\w.]+", line):
        if _MODULE.fullmatch(word) and not _FILE.fullmatch(word) and not _is_setting(word):
            try:
                pkgutil.resolve_name(word)
            except (ImportError, AttributeError):
                errors.append(f"{line!r}: no module or name {word}")
    return errors


CHECKS = [command_errors, option_errors, setting_errors, path_errors, module_errors]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_a_document_names_only_what_exists(path: Path, check: Any) -> None:
    lines = list(code(path.read_text(encoding="utf-8")))
    assert lines
    assert [error for line in lines for error in check(line)] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_the_links_of_a_document_lead_somewhere(path: Path) -> None:
    targets = _LINK.findall(path.read_text(encoding="utf-8"))
    local = [target for target in targets if "://" not in target]
    missing = [target for target in local if not (path.parent / target).exists()]
    made = {(ROOT / "docs/reference" / name).resolve() for name in MADE_FOR_THE_SITE}
    assert [target for target in missing if (path.parent / target).resolve() not in made] == []


def test_every_command_is_in_the_readme() -> None:
    text = "\n".join(code((ROOT / "README.md").read_text(encoding="utf-8")))
    assert [name for name in league.commands if f"league {name}" not in text] == []


@pytest.mark.parametrize(
    "check, line, word",
    [
        (command_errors, "league report --colour", "--colour"),
        (command_errors, "league maps check\\|draw PATH", "check|draw"),
        (command_errors, "league members [add SPEC \\| fire NAME]", "fire"),
        (command_errors, "league pit A B [--depth N]", "--depth"),
        (option_errors, "--no-such-option 3", "--no-such-option"),
        (setting_errors, "league start --set learner.n_mtches=8", "learner.n_mtches"),
        (path_errors, "league/daemon/no_such_file.py", "no_such_file.py"),
        (path_errors, "no_such_file.py", "no_such_file.py"),
        (path_errors, "docs/no_such_folder", "no_such_folder"),
        (module_errors, "python -m arena.no_such_module", "arena.no_such_module"),
        (module_errors, "arena.agent.NoSuchAgent", "NoSuchAgent"),
    ],
)
def test_a_name_that_does_not_exist_is_found(check: Any, line: str, word: str) -> None:
    (error,) = check(line)
    assert word in error


@pytest.mark.parametrize(
    "line",
    [
        "league start [--preset small\\|classic] [--set learner.n_matches=8] --league my-league",
        "league maps check\\|show\\|generate",
        "league members [add SPEC \\| retire NAME \\| resume NAME]",
        "--attention",
        "arena/territory/ league.toml path/to/map ../shared/maps",
        "python -m league.cli arena.match.MatchSpec",
    ],
)
def test_a_name_that_exists_is_not_complained_of(line: str) -> None:
    assert [error for check in CHECKS for error in check(line)] == []
