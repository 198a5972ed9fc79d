"""Damaged copies of real files, tried on the commands that open them, in one process.

    python tests/bench/fuzz_files.py --kind snapshots --n 400 --seed 1 [--log fuzz.jsonl]

Kinds: snapshots, maps, replays, toml, databases. A trial damages a copy of a sound file (flipped
bits, cuts, odd JSON or TOML values, bombs, things that are not files) and runs a command of
`league` on it. It ends as a sentence (exit code 2 and one line on stderr), as accepted (any other
exit code), or as a traceback, a hang or a file written outside. The counts are printed as one line
of JSON, appended to the file of `--log`; the exit code is 1 if there was a traceback or a hang.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from contextlib import redirect_stderr, redirect_stdout, suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.bench.fuzz_kinds import KINDS  # noqa: E402

LIMIT_S = 20  # for one command; a sound file takes less than a second
LIMIT_BYTES = 10 * 2**30  # of address space, so that a bomb ends here and not in the machine


class HangError(Exception):
    """A command that did not end in time."""


def run_command(command: list[str]) -> tuple[str, str]:
    """Run one command; return how it ended and what it said."""
    from league.cli.main import league
    from league.cli.options import known_errors, run

    def ring(number: int, frame: object) -> None:
        raise HangError(f"no end within {LIMIT_S} s")

    signal.signal(signal.SIGALRM, ring)
    signal.alarm(LIMIT_S)
    out, err = io.StringIO(), io.StringIO()
    try:
        with redirect_stdout(out), redirect_stderr(err):
            if command[0] == "(open)":
                from league.folder.opening import open_for_start

                try:
                    open_for_start(Path(command[1]))
                    code = 0
                except known_errors() as error:
                    code = 2
                    print(f"league: {' '.join(str(error).split())}", file=sys.stderr)
            else:
                code = run(league, command)
    except HangError as error:
        return "hang", str(error)
    except BaseException as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        ours = [f for f in traceback.extract_tb(error.__traceback__) if str(ROOT) in f.filename]
        place = ours[-1] if ours else where
        file = Path(place.filename).name
        return "traceback", f"{type(error).__name__} {file}:{place.lineno}: {str(error)[:120]}"
    finally:
        signal.alarm(0)
    said = err.getvalue()
    try:
        said.encode()
        out.getvalue().encode()
    except UnicodeEncodeError as error:
        return "traceback", f"{type(error).__name__} printing"
    if "Traceback" in said:
        return "traceback", said.strip().splitlines()[-1]
    if code == 2:
        if said.count("\n") == 1 and len(said) < 4000:
            return "sentence", said.strip()
        return "long", said[:200]
    return "accepted", said[:200]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kind", choices=sorted(KINDS), required=True)
    parser.add_argument("--n", type=int, default=400, help="Files.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--log", type=Path, help="File that the line of counts is appended to.")
    parser.add_argument("--show", action="store_true", help="Print every trial.")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    resource.setrlimit(resource.RLIMIT_AS, (LIMIT_BYTES, LIMIT_BYTES))
    rng = random.Random(given.seed)
    ends: Counter[str] = Counter()
    faults: Counter[str] = Counter()
    started = time.monotonic()
    slowest = 0.0
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        os.chdir(work)  # what a command leaves in the current folder goes with it
        kind = KINDS[given.kind](work)
        base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for i in range(given.n):
            path, commands = kind.trial(i, rng)
            for command in commands:
                begun = time.monotonic()
                end, said = run_command(command)
                slowest = max(slowest, time.monotonic() - begun)
                ends[end] += 1
                if given.show:
                    took = f"{time.monotonic() - begun:.1f} s"
                    print(i, command[:2], took, end, said[:300], file=sys.stderr)
                if end not in ("sentence", "accepted"):
                    faults[f"{end}: {said}"[:240]] += 1
            with suppress(OSError):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        os.chdir(ROOT)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    line = {
        "script": "fuzz_files",
        "kind": given.kind,
        "files": given.n,
        "seed": given.seed,
        **{e: ends[e] for e in ("sentence", "accepted", "traceback", "hang", "long")},
        "seconds": round(time.monotonic() - started, 1),
        "slowest_s": round(slowest, 1),
        "peak_mb": peak // 1024,
        "peak_above_start_mb": (peak - base) // 1024,
    }
    print(json.dumps(line))
    for fault, n in faults.most_common(40):
        print(f"  {n:4} {fault}", file=sys.stderr)
    if given.log is not None:
        with given.log.open("a") as stream:
            stream.write(json.dumps(line) + "\n")
    return 1 if ends["traceback"] or ends["hang"] else 0


if __name__ == "__main__":
    sys.exit(main())
