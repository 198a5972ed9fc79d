"""Where ranks on several machines meet."""

from __future__ import annotations

import os
import socket

import psutil
import pytest

from league.ppo import meeting
from league.ppo.errors import RanksLostError


def test_the_first_listens_at_its_address_alone_and_the_others_find_it() -> None:
    before = {port.laddr for port in psutil.Process().net_connections("inet")}
    store, port = meeting.open_meeting("127.0.0.1", 2, 20.0)
    ports = psutil.Process().net_connections("inet")
    new = [p.laddr for p in ports if p.status == psutil.CONN_LISTEN and p.laddr not in before]
    assert [address.ip for address in new] == ["127.0.0.1"] and new[0].port == port
    entered = meeting.enter_meeting("127.0.0.1", port, 2, 20.0)
    entered.set("here/1", "yes")
    assert store.get("here/1") == b"yes"


def test_a_meeting_that_cannot_be_reached_is_one_sentence() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    said = rf"a rank cannot reach the first one at 127\.0\.0\.1:{port}; the nodes must reach each"
    with pytest.raises(RanksLostError, match=said):
        meeting.enter_meeting("127.0.0.1", port, 2, 0.5)


def test_ranks_talk_over_the_interface_of_their_address_unless_the_environment_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = ("GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME")
    for name in names:
        monkeypatch.setenv(name, "chosen")
    meeting.talk_over("127.0.0.1")
    assert {os.environ[name] for name in names} == {"chosen"}
    for name in names:
        monkeypatch.delenv(name)
    meeting.talk_over("203.0.113.9")  # that of nobody here: gloo and NCCL choose
    assert not {*names} & {*os.environ}
    loopback = meeting.interface_of("127.0.0.1")
    assert loopback is not None
    meeting.talk_over("127.0.0.1")
    assert {os.environ.pop(name) for name in names} == {loopback}
