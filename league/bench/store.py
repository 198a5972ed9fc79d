"""Benchmark of the store: what putting and getting costs, and what a league plays with each.

A folder and a URL are measured in turn (A B B A), so that a machine that slows down does not favour
either. Without a URL an S3 server is started for it (moto's, on loopback), which computes on the
same cores and keeps everything in memory: real ones answer later, and take no core.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from db import queries
from league.errors import BenchError
from league.extras import install_command
from league.folder.connect import reading
from league.folder.layout import LeagueFolder
from league.store.address import StoreAddress
from league.store.store import Store, StorePlace

FOLDER, STORE = "folder", "store"
ORDER = (FOLDER, STORE, STORE, FOLDER)
_STARTS_WITHIN_S = 60.0
_CACHE_BYTES = 10**10


def run(
    url: str | None,
    *,
    files: int = 32,
    megabytes: float = 1.0,
    seconds: float = 60.0,
    tell: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Measure a folder against a URL; what is written there is removed again.

    Args:
        url: of a place for this alone; None starts an S3 server.
        files, megabytes: how many files are put and got, and how large each is.
        seconds: that each of four leagues plays; 0 plays none.

    Raises:
        BenchError: the server does not start, or a league played no matches.
        StoreError: the place cannot be used.
    """
    with contextlib.ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="league-bench-store-")))
        kind = "S3 (moto on loopback)" if url is None else StoreAddress.of(url).protocol
        if url is None:
            url = stack.enter_context(_s3_server())
        places = {FOLDER: str(root / "store"), STORE: url}
        rates: dict[str, dict[str, list[float]]] = {
            name: {"put_mb_s": [], "get_mb_s": [], "copy_mb_s": []} for name in places
        }
        played: dict[str, list[float]] = {name: [] for name in places}
        for turn, name in enumerate(ORDER):
            tell(f"turn {turn + 1} of {len(ORDER)}: files, {name}")
            mine = f"{places[name]}/files-{turn}"
            for what, rate in _files(mine, root / f"cache-{turn}", files, megabytes).items():
                rates[name][what].append(rate)
            if seconds > 0:
                tell(f"turn {turn + 1} of {len(ORDER)}: a league plays {seconds:.0f} s, {name}")
                place = f"{places[name]}/league-{turn}"
                played[name].append(_league(root / f"league-{turn}", place, seconds))
    return {
        "url": kind,
        "files": files,
        "megabytes": megabytes,
        "seconds": seconds,
        **{
            name: {
                **{what: median(found) for what, found in rates[name].items()},
                "matches_per_s": median(played[name]) if played[name] else None,
            }
            for name in places
        },
        "matches_ratio": median(played[STORE]) / median(played[FOLDER]) if seconds > 0 else None,
    }


def lines(result: Mapping[str, Any]) -> list[str]:
    """Return the result as lines for a person."""
    head = f"{result['files']} files of {result['megabytes']:g} MB"
    out = [f"{head}, MB/s{'':>14}  put   get  copy  matches/s"]
    for name, label in ((FOLDER, "folder"), (STORE, str(result["url"]))):
        row = result[name]
        played = row["matches_per_s"]
        rates = "".join(f"{row[what]:6.0f}" for what in ("put_mb_s", "get_mb_s", "copy_mb_s"))
        out.append(f"{label:<36}{rates}{'' if played is None else f'{played:11.2f}'}")
    if result["matches_ratio"] is not None:
        out.append(f"matches/s, {result['url']} over folder: {result['matches_ratio']:.3f}")
    return out


def _files(url: str, cache: Path, n: int, megabytes: float) -> dict[str, float]:
    """Return MB/s of putting, of getting without a copy, and of reading a copy; all checked."""
    rng = np.random.default_rng(0)
    raw = [rng.bytes(int(megabytes * 1e6)) for _ in range(n)]
    files = {f"snapshots/{hashlib.sha256(one).hexdigest()}.safetensors": one for one in raw}
    here = StorePlace(url, str(cache), _CACHE_BYTES).open()
    there = StorePlace(url, str(cache / "there"), _CACHE_BYTES).open()

    def put() -> None:
        for key, one in files.items():
            here.put_new(key, one, keep=False)

    def get(store: Store) -> None:
        for key in files:
            store.read(key)

    total = n * megabytes
    try:
        return {
            "put_mb_s": total / _seconds(put),
            "get_mb_s": total / _seconds(lambda: get(there)),
            "copy_mb_s": total / _seconds(lambda: get(there)),
        }
    finally:
        here.delete(list(files))


def _seconds(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return max(1e-9, time.perf_counter() - began)


def _league(root: Path, url: str, seconds: float) -> float:
    """Let a league of scripted members play; return its rated matches per second."""
    sets = ("learners=[]", "rating.canary_share=off", f"store.url={url}")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "league", "start", "--league", str(root)),
            *("--for", f"{seconds:g}s"),
            *(word for text in sets for word in ("--set", text)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["nothing"])[-1]
        raise BenchError(f"the league of the benchmark ended with {done.returncode}: {last}")
    folder = LeagueFolder.at(root)
    with reading(folder) as session:
        matches = queries.list_matches(session, status="finished")
    times = sorted(m.finished_at.timestamp() for m in matches if m.finished_at is not None)
    if len(times) < 2 or times[-1] == times[0]:
        raise BenchError(
            f"expected a league that plays matches within {seconds:g} s, found {len(times)}; "
            "raise --seconds"
        )
    place = folder.store()
    if place is not None:  # a bucket is not ours to keep
        store = place.open()
        store.delete([entry.key for entry in store.list()])
    return (len(times) - 1) / (times[-1] - times[0])


@contextlib.contextmanager
def _s3_server() -> Iterator[str]:
    """Start moto's S3 server in a process of its own; yield the URL of an empty bucket."""
    for package in ("s3fs", "moto", "flask_cors"):
        if find_spec(package) is None:
            raise BenchError(
                f"expected the package {package} for an S3 server, found none: "
                f"`{install_command('s3')} 'moto[s3]' flask flask-cors`, or name a store with --url"
            )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    names = {
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
    }
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(names)
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(port, server)
        import s3fs

        s3fs.S3FileSystem(endpoint_url=names["AWS_ENDPOINT_URL"]).mkdir("bench")
        yield "s3://bench"
    finally:
        server.terminate()
        server.wait(10.0)
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    ends = time.monotonic() + _STARTS_WITHIN_S
    while time.monotonic() < ends and server.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise BenchError(f"the S3 server did not start within {_STARTS_WITHIN_S:.0f} s")
