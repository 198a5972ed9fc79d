"""What is said of a cluster that cannot be joined; Ray itself is a stand-in here."""

from __future__ import annotations

import sys
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
def joined(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Joins a cluster where `ray.init` raises."""

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
