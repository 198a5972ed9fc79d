"""What is said of a cluster that cannot be joined; Ray itself is a stand-in here."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from arena.cluster import joining
from arena.cluster.joining import ClusterRefusedError, join
from arena.cluster.messages import DriverOrders

ADDRESS = "ray://head:10001"


class AuthenticationError(Exception):
    """Stands for that of Ray, which is no RuntimeError."""


@pytest.fixture
def joined(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Joins a cluster where `ray.init` raises, from a machine without a token."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.setenv(name, "")  # so that what a test sets is undone after it
        monkeypatch.delenv(name)

    def join_it(error: Exception, *, answers: bool = True, is_known: bool = False) -> None:
        def init(**_: object) -> None:
            raise error

        def knock(address: str) -> None:
            if not answers:
                raise ConnectionRefusedError("refused")

        exceptions = SimpleNamespace(RayError=AuthenticationError)
        ray = SimpleNamespace(init=init, exceptions=exceptions)
        monkeypatch.setitem(sys.modules, "ray", ray)  # type: ignore[arg-type]
        monkeypatch.setattr(joining, "knock", knock)
        join(DriverOrders(ADDRESS, 1, is_known=is_known))

    return join_it


def test_a_cluster_that_answers_and_lets_nobody_in_may_want_a_token(joined: Any) -> None:
    with pytest.raises(ClusterRefusedError) as refused:
        joined(ConnectionError("ray client connection timeout"))
    said = str(refused.value)
    assert said.startswith(f"ray.address = '{ADDRESS}': expected a running Ray cluster, found none")
    assert "if it asks for a token, set RAY_AUTH_MODE=token, with the cluster's token in" in said
    with pytest.raises(ClusterRefusedError, match=r"asks for its token .*set RAY_AUTH_MODE=token"):
        joined(AuthenticationError("InvalidAuthToken"))


def test_where_nobody_listens_nothing_is_said_of_tokens_and_a_known_cluster_may_come_back(
    joined: Any,
) -> None:
    with pytest.raises(ClusterRefusedError, match="start one with `ray start --head`") as refused:
        joined(ConnectionError("never asked"), answers=False)
    assert "TOKEN" not in str(refused.value)
    with pytest.raises(ConnectionError):
        joined(ConnectionError("no head"), is_known=True)


def test_another_ray_or_python_is_told_and_other_errors_are_not_hidden(joined: Any) -> None:
    with pytest.raises(ClusterRefusedError, match="install the same versions on every node"):
        joined(RuntimeError("Version mismatch: The cluster was started with Ray 2.9"))
    with pytest.raises(RuntimeError, match="something else"):
        joined(RuntimeError("something else"))


def test_a_client_shows_the_token_of_this_machine_unless_it_is_told_otherwise(
    joined: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mode() -> str | None:
        with pytest.raises(ClusterRefusedError):
            joined(ConnectionError("no"))
        return os.environ.pop("RAY_AUTH_MODE", None)

    assert mode() is None
    monkeypatch.setenv("RAY_AUTH_TOKEN", "abc")
    assert mode() == "token"
    monkeypatch.delenv("RAY_AUTH_TOKEN")
    (tmp_path / ".ray").mkdir()
    (tmp_path / ".ray" / "auth_token").write_text("abc")
    assert mode() == "token"
    os.environ["RAY_AUTH_MODE"] = "disabled"
    assert mode() == "disabled"


def test_a_cluster_that_cannot_start_the_process_for_a_client_says_how_its_head_is_to_be_started(
    joined: Any,
) -> None:
    failed = "Initialization failure from server: RuntimeError: Starting Ray client server failed."
    with pytest.raises(ClusterRefusedError, match=r"takes clients, .* --runtime-env-agent-port"):
        joined(ConnectionAbortedError(failed))
