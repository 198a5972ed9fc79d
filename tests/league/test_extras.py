"""A hint names packages that an index has, with the versions of pyproject.toml."""

from __future__ import annotations

import tomllib
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from league.extras import PACKAGES, install_command, requirements

ROOT = Path(__file__).resolve().parents[2]
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
    "optional-dependencies"
]


def test_every_extra_of_users_is_known_with_its_packages() -> None:
    assert PACKAGES.keys() == EXTRAS.keys() - {"dev", "browser", "docs"}
    for extra, packages in PACKAGES.items():
        assert [text.partition(">=")[0] for text in EXTRAS[extra]] == list(packages)


def test_a_hint_gives_the_versions_that_the_program_asks_for() -> None:
    assert requirements("plot") == EXTRAS["plot"]
    assert install_command("onnx") == "pip install 'onnx>=1.17' 'onnxruntime>=1.20'"


def test_a_checkout_that_was_never_installed_names_the_packages(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unknown(name: str) -> list[str]:
        raise PackageNotFoundError(name)

    monkeypatch.setattr("league.extras.requires", unknown)
    assert install_command("postgres") == "pip install 'psycopg[binary]'"


def test_no_message_names_a_package_that_no_index_has() -> None:
    for path in (ROOT / "league").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if path.name != "extras.py":
            assert "territory-league[" not in text, path
