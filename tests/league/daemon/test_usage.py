"""What a league uses of the machine, measured and written with its heartbeat."""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from arena.machine import usable_cores
from db import queries
from db.session import read_transaction
from league.daemon.heartbeat import Heartbeat
from league.daemon.nvml import Gpu, read_gpus
from league.daemon.running_time import RunningTime
from league.daemon.usage import UsageMeter, UsageWatch, folder_bytes
from league.report.document import report_document
from league.report.state import StateReader
from tests.league.daemon.scripted import Clock, League, new_league

BUSY = (
    "import sys, time\nwhile time.process_time() < 0.4: pass\nprint(flush=True)\nsys.stdin.read()"
)


@pytest.fixture
def busy() -> Iterator[subprocess.Popen[bytes]]:
    """A child that uses 0.4 s of a core when it reads a line, and then waits."""
    code = "import sys; sys.stdin.readline()\n" + BUSY
    child = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    yield child
    child.kill()
    child.communicate()


def test_processors_and_memory_of_all_processes_are_counted(
    busy: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    clock = Clock()
    meter = UsageMeter(tmp_path, clock)
    first = meter.measure()
    assert first["cpu_percent"] is None and first["n_processes"] >= 2
    assert busy.stdin is not None and busy.stdout is not None
    busy.stdin.write(b"\n")
    busy.stdin.flush()
    busy.stdout.readline()  # it has used 0.4 s, its start included
    clock.now += 10.0
    second = meter.measure()
    # 0.2 s of 10 s are 2 % of a core; what Python's own start took came before the first look
    assert 2.0 <= second["cpu_percent"] - second["daemon_percent"] <= 5.0
    assert 5e6 < second["memory_bytes"] < second["memory_total"]
    assert second["cores"] == usable_cores() <= (os.cpu_count() or 1)
    json.dumps(second, allow_nan=False)


def test_the_growth_of_the_folder_is_told_per_hour(tmp_path: Path) -> None:
    clock = Clock()
    meter = UsageMeter(tmp_path, clock)
    (tmp_path / "replays").mkdir()
    (tmp_path / "replays" / "1.replay").write_bytes(bytes(1_000))
    found = meter.measure()
    assert (found["disk_bytes"], found["disk_bytes_per_h"]) == (1_000, None)
    (tmp_path / "replays" / "2.replay").write_bytes(bytes(500))
    clock.now += 30.0
    assert meter.measure()["disk_bytes"] == 1_000  # a look a minute
    clock.now += 90.0
    found = meter.measure()
    # 500 bytes in 120 s: 15,000 in 3,600 s
    assert (found["disk_bytes"], found["disk_bytes_per_h"]) == (1_500, 15_000)
    assert found["disk_free"] > 0


def test_a_folder_that_is_gone_has_no_bytes_and_links_are_not_followed(tmp_path: Path) -> None:
    assert folder_bytes(tmp_path / "nowhere") == 0
    (tmp_path / "file").write_bytes(bytes(10))
    (tmp_path / "loop").symlink_to(tmp_path)
    assert 10 <= folder_bytes(tmp_path) < 10 + len(str(tmp_path)) + 1


def test_a_measurement_that_fails_ends_nothing_and_the_next_one_is_shown() -> None:
    asked = threading.Event()
    answers: list[Any] = [OSError("/proc is not mounted"), {"cores": 2}]

    def measure() -> dict[str, Any]:
        answer = answers.pop(0) if answers else {"cores": 2}
        if isinstance(answer, Exception):
            raise answer
        asked.set()
        return dict(answer)

    with UsageWatch(measure, every_s=0.0) as watch:
        assert asked.wait(10.0)
    assert watch.latest == {"cores": 2}
    assert not any(thread.name == "usage" and thread.is_alive() for thread in threading.enumerate())


class ScriptedDriver:
    """NVIDIA's library with one GPU; `fails` names a function that answers an error."""

    def __init__(self, fails: str = "") -> None:
        self.fails = fails

    def __getattr__(self, name: str) -> Any:
        def answer(*arguments: Any) -> int:
            if name == self.fails:
                return 3  # NVML_ERROR_NOT_SUPPORTED
            target = getattr(arguments[-1], "_obj", None)
            if name == "nvmlDeviceGetCount_v2":
                target.value = 1
            elif name == "nvmlDeviceGetName":
                ctypes.memmove(arguments[1], b"NVIDIA Test\0", 12)
            elif name == "nvmlDeviceGetMemoryInfo":
                target.total, target.used = 80, 30
            elif name == "nvmlDeviceGetUtilizationRates":
                target.gpu = 55
            return 0

        return answer


def test_gpus_are_those_that_the_driver_names() -> None:
    assert read_gpus(ScriptedDriver()) == [Gpu("NVIDIA Test", 55.0, 30, 80)]
    on_a_share = ScriptedDriver("nvmlDeviceGetUtilizationRates")
    assert read_gpus(on_a_share) == [Gpu("NVIDIA Test", None, 30, 80)]
    assert read_gpus(ScriptedDriver("nvmlDeviceGetCount_v2")) == []


@pytest.fixture
def league(tmp_path: Path) -> Iterator[League]:
    with new_league(tmp_path / "league") as made:
        yield made


def test_the_end_of_a_timed_run_and_the_use_of_the_machine_stand_in_heartbeat_and_report(
    league: League,
) -> None:
    clock = Clock()
    usage = {"cpu_percent": 196.0, "cores": 2}
    running = RunningTime(league.engine, clock)
    before = datetime.now(UTC).replace(microsecond=0)
    heart = Heartbeat(league.engine, clock.now + 108.0, lambda: usage, clock)
    assert heart.is_due() and not heart.is_due()
    clock.now += 2.0
    assert heart.is_due()
    heart.beat({"n_playing": 4}, running)
    with read_transaction(league.engine) as session:
        beat = queries.get_league_value(session, "daemon")
    assert beat is not None and (beat["n_playing"], beat["usage"]) == (4, usage)
    ends = datetime.fromisoformat(beat["ends_at"])
    # 108 s from the beginning, 106 s from the beat
    assert timedelta(seconds=106) <= ends - before <= timedelta(seconds=116)
    with StateReader(league.folder) as reader:
        run = report_document(reader.read(at=ends - timedelta(seconds=60)))["run"]
    assert (run["seconds_left"], run["usage"], run["running_s"]) == (60.0, usage, 2.0)
    assert run["ends_at"] == beat["ends_at"] and run["began_at"] is not None


def test_a_league_that_never_ran_or_is_of_an_older_release_says_nothing_of_its_run(
    league: League,
) -> None:
    with StateReader(league.folder) as reader:
        assert report_document(reader.read())["run"] is None
        with league.engine.begin() as connection:
            connection.exec_driver_sql(
                "INSERT INTO league (key, value, updated_at) VALUES "
                "('daemon', '{\"pid\": 7, \"waiting\": {}}', '2026-01-02 03:04:05')"
            )
        run = report_document(reader.read())["run"]
    assert (run["ends_at"], run["seconds_left"], run["usage"]) == (None, None, {})
