"""Break the lines that keep the promises, one at a time, and see a test fail for each.

`python tests/breaks.py [WORD]` copies the project into a temporary folder, makes one change per
row there, runs that row's test and reports which breaks passed unnoticed. Rows whose name holds
WORD alone are tried. Exit code 0: every break was caught; 1: some were not, or a row's line has
changed and the row must follow it. About two minutes; docs/promises.md is the list for people.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
LEAGUE = "tests/league"


class Break(NamedTuple):
    """One change: in `file`, `old` (which occurs once) becomes `new`; `test` must fail."""

    name: str
    file: str
    old: str
    new: str
    test: str


BREAKS = [
    Break(
        "retired members are still matched",
        "league/daemon/roster.py",
        'for member in queries.list_members(session, statuses=("active",))',
        "for member in queries.list_members(session)",
        f"{LEAGUE}/daemon/test_matches.py",
    ),
    Break(
        "promotion needs only the anchor",
        "league/daemon/roster.py",
        "for m in (*parent, *champion, *anchor)",
        "for m in anchor",
        f"{LEAGUE}/daemon/test_roster.py",
    ),
    Break(
        "interrupted matches are not planned again",
        "league/daemon/manager.py",
        'again = queries.requeue_interrupted(session, purposes=("rating",))',
        "again: list[int] = []",
        f"{LEAGUE}/daemon/test_manager.py",
    ),
    Break(
        "a result is dropped before it is stored",
        "league/daemon/matches.py",
        "            self._settle(self._unsettled[0], durable=len(self._unsettled) == 1)\n"
        "            self._unsettled.popleft()\n",
        "            self._settle(self._unsettled.popleft(), durable=not self._unsettled)\n",
        f"{LEAGUE}/daemon/test_matches.py",
    ),
    Break(
        "nobody is ever quarantined",
        "league/daemon/matches.py",
        'if member.failures_in_row < QUARANTINE_AFTER or member.status != "active":',
        "if True:",
        f"{LEAGUE}/daemon/test_matches.py",
    ),
    Break(
        "a dying learner is never given up",
        "arena/processes/supervisor.py",
        "self.given_up = n_deaths >= limits.max_deaths",
        "self.given_up = False",
        f"{LEAGUE}/daemon/test_learners.py",
    ),
    Break(
        "a child starts with an unknown rating",
        "league/members/admission.py",
        "mu, sigma = child_rating(parent.mu, parent.sigma, allowance)",
        "mu, sigma = MU, SIGMA",
        f"{LEAGUE}/daemon/test_manager.py",
    ),
    Break(
        "standings are ordered by mu",
        "league/rating/standings.py",
        "(-conservative(*ratings[member_id]), member_id))",
        "(-ratings[member_id][0], member_id))",
        f"{LEAGUE}/report/test_standings_order.py",
    ),
    Break(
        "maps are not frozen",
        "league/config/tree.py",
        'FROZEN = ("preset", "rules", "maps", "views", "network")',
        'FROZEN = ("preset", "rules", "views", "network")',
        f"{LEAGUE}/folder/test_opening_memory.py",
    ),
    Break(
        "views are not frozen",
        "league/config/tree.py",
        'FROZEN = ("preset", "rules", "maps", "views", "network")',
        'FROZEN = ("preset", "rules", "maps", "network")',
        f"{LEAGUE}/folder/test_opening_memory.py",
    ),
    Break(
        "remember_config does not check",
        "league/folder/opening.py",
        "    if stored is not None:\n        check_frozen(stored, config)\n    set_league_value",
        "    set_league_value",
        f"{LEAGUE}/daemon/test_manager.py",
    ),
    Break(
        "a quarantined member comes back unchecked",
        "league/members/entry.py",
        "            SnapshotStore(folder.snapshots).load(member.snapshot_sha256)\n",
        "            pass\n",
        f"{LEAGUE}/members/test_entry.py",
    ),
    Break(
        "a refused offer enters the store",
        "agents/snapshots.py",
        "            require(self._load_file(source, sha256).description)\n",
        "            self._load_file(source, sha256)\n",
        f"{LEAGUE}/members/test_admission.py",
    ),
    Break(
        "a backup that broke off stays",
        "arena/files.py",
        "        shutil.rmtree(temporary, ignore_errors=True)\n",
        "        pass\n",
        f"{LEAGUE}/folder/test_backup.py",
    ),
    Break(
        "a command opens a database of any version",
        "league/folder/connect.py",
        "    engine = open_writer(folder.database(), create=False)\n    try:\n"
        "        check_revision(engine)\n",
        "    engine = open_writer(folder.database(), create=False)\n    try:\n",
        f"{LEAGUE}/folder/test_connect.py",
    ),
    Break(
        "a password is printed",
        "db/location.py",
        "render_as_string(hide_password=True)",
        "render_as_string(hide_password=False)",
        "tests/db/test_location.py",
    ),
    Break(
        "rating_log_is_gap_free is always true",
        "db/queries/report.py",
        "def rating_log_is_gap_free(session: Session) -> bool:\n",
        "def rating_log_is_gap_free(session: Session) -> bool:\n    return True\n",
        "tests/db/test_rating_log.py",
    ),
    Break(
        "others can read the password of the database",
        "arena/files.py",
        "            if owner_alone:  # before it holds anything\n",
        "            if False:\n",
        f"{LEAGUE}/folder/test_folder.py",
    ),
    Break(
        "the doctor takes a match planned again for a whole one",
        "db/queries/examine.py",
        'unfinished = Match.status != "finished"',
        'unfinished = Match.status == "void"',
        f"{LEAGUE}/folder/test_doctor.py",
    ),
    Break(
        "the doctor calls an empty replay present",
        "league/folder/doctor/files.py",
        "        elif size == 0:\n",
        "        elif size < 0:\n",
        f"{LEAGUE}/folder/test_doctor.py",
    ),
    Break(
        "one failing check ends the examination",
        "league/folder/doctor/examination.py",
        "    except Exception as error:  # damage",
        "    except ZeroDivisionError as error:  # damage",
        f"{LEAGUE}/folder/test_doctor.py",
    ),
    Break(
        "a repair beside a running daemon",
        "league/cli/upkeep.py",
        "with hold_lock(folder):  # raises while a daemon runs",
        "if folder is not None:  # raises while a daemon runs",
        f"{LEAGUE}/folder/test_repair.py",
    ),
    Break(
        "a repair puts a damaged copy in place",
        "league/folder/doctor/repair.py",
        "hexdigest() == sha256",
        "hexdigest() != ''",
        f"{LEAGUE}/folder/test_repair.py",
    ),
    Break(
        "the doctor compares no snapshot bytes",
        "league/folder/doctor/files.py",
        "if found != sha256:",
        "if False:",
        f"{LEAGUE}/folder/test_doctor.py",
    ),
    Break(
        "an exported network's logits are not compared",
        "league/members/exports.py",
        "    if not worst <= ",
        "    if worst < 0.0 and not worst <= ",
        f"{LEAGUE}/members/test_exports.py",
    ),
    Break(
        "an exported model does not fit our environment",
        "league/members/exports.py",
        "observation_space(views_of(description))",
        "observation_space(views_of(description), with_mask=False)",
        f"{LEAGUE}/members/test_exports.py",
    ),
    Break(
        "a setting of the learner is lost on the way",
        "league/learner/settings.py",
        "        team_share=reward.team_share,\n",
        "",
        f"{LEAGUE}/learner/test_settings.py",
    ),
    Break(
        "the second signal waits",
        "league/daemon/process.py",
        "if self.n == 2:",
        "if self.n == 200:",
        f"{LEAGUE}/daemon/test_process.py",
    ),
    Break(
        "an error leaves processes behind",
        "league/daemon/process.py",
        '        log.exception("the league stops")\n        if manager is not None:\n',
        '        log.exception("the league stops")\n        if manager is None:\n',
        f"{LEAGUE}/daemon/test_process.py",
    ),
    Break(
        "a full disk ends the league",
        "league/daemon/trouble.py",
        "if isinstance(error, DatabaseFullError):",
        "if isinstance(error, ZeroDivisionError):",
        f"{LEAGUE}/daemon/test_process.py",
    ),
    Break(
        "a locked database ends the league",
        "league/daemon/trouble.py",
        "if isinstance(error, DatabaseBusyError | DatabaseUnreachableError):",
        "if isinstance(error, ZeroDivisionError):",
        f"{LEAGUE}/daemon/test_process.py",
    ),
    Break(
        "nobody listens during a pause",
        "league/daemon/trouble.py",
        "            self._manager.listen(LISTEN_S)\n",
        "",
        f"{LEAGUE}/daemon/test_process.py",
    ),
    Break(
        "a learner's message is dropped before it is stored",
        "league/daemon/manager.py",
        "            self._take(self._untaken[0])\n            self._untaken.popleft()\n",
        "            self._take(self._untaken.popleft())\n",
        f"{LEAGUE}/daemon/test_manager.py",
    ),
    Break(
        "one match's arithmetic ends the league",
        "league/daemon/matches.py",
        "except OF_ONE_MATCH as error:",
        "except ConflictError as error:",
        f"{LEAGUE}/daemon/test_matches.py",
    ),
    Break(
        "a contradicting row ends the league",
        "league/daemon/matches.py",
        "OF_ONE_MATCH = (ConflictError, NotFoundError,",
        "OF_ONE_MATCH = (NotFoundError,",
        f"{LEAGUE}/daemon/test_matches.py",
    ),
    Break(
        "a match that somebody else started is played too",
        "league/daemon/matches.py",
        "[match for match in planned if queries.mark_started(session, match.id)]",
        "[m for m in planned if queries.mark_started(session, m.id) or True]",
        f"{LEAGUE}/daemon/test_matches.py",
    ),
    Break(
        "the healing finishes a match without all its seats",
        "db/queries/repair.py",
        "n_seats == len(match.line_up) and ",
        "",
        "tests/db/test_repair.py",
    ),
    Break(
        "a finished match is planned again",
        "db/queries/matches.py",
        '        .where(Match.status == "running")\n        .values(status="planned"',
        '        .where(Match.id > 0)\n        .values(status="planned"',
        "tests/db/test_queries.py",
    ),
    Break(
        "a lost plan after a failed write",
        "league/daemon/matches.py",
        "planned = self._backlog[:missing]\n",
        "planned, self._backlog = self._backlog[:missing], self._backlog[missing:]\n",
        f"{LEAGUE}/daemon/test_matches.py",
    ),
    Break(
        "a match that failed shares its call",
        "league/daemon/matches.py",
        "alone = match.failures > 0 or match.attempts > 1",
        "alone = False",
        f"{LEAGUE}/daemon/test_matches.py",
    ),
    Break(
        "offers of the last run are forgotten",
        "league/daemon/manager.py",
        "for offer in self.store.list_offers():",
        "for offer in self.store.list_offers()[:0]:",
        f"{LEAGUE}/daemon/test_manager.py",
    ),
    Break(
        "last messages of a stopping learner are lost",
        "league/daemon/manager.py",
        "self._untaken.extend(self.learners.stop(Stop(), grace_s))",
        "list(self.learners.stop(Stop(), grace_s))",
        f"{LEAGUE}/daemon/test_manager.py",
    ),
    Break(
        "last messages of a dead learner are lost",
        "league/daemon/learners.py",
        "            yield from self._read(name, place, limit=None)\n"
        "            death = place.take_death()\n",
        "            death = place.take_death()\n",
        f"{LEAGUE}/daemon/test_learners.py",
    ),
    Break(
        "a stopped learner writes no checkpoint",
        "league/learner/process.py",
        "        _train_on(manager, trainer)\n    except _StopOrdered:\n"
        "        trainer.checkpoint(force=True)\n",
        "        _train_on(manager, trainer)\n    except _StopOrdered:\n        pass\n",
        f"{LEAGUE}/learner/test_process.py",
    ),
    Break(
        "replays are not on disk before their rows",
        "arena/replay.py",
        "    write_together({path: _to_bytes(result) for path, result in results.items()})",
        "    for path, result in results.items():\n        write_whole(path, _to_bytes(result))",
        f"{LEAGUE}/daemon/test_matches.py",
    ),
    Break(
        "the last commit of a turn does not wait for the disk",
        "league/daemon/matches.py",
        "durable=len(self._unsettled) == 1)",
        "durable=False)",
        f"{LEAGUE}/daemon/test_matches.py",
    ),
    Break(
        "a power cut takes what was committed",
        "db/session.py",
        '"synchronous = FULL"',
        '"synchronous = NORMAL"',
        "tests/db/test_session.py",
    ),
    Break(
        "a power cut leaves empty settings",
        "league/folder/layout.py",
        "toml_text.encode(), durable=True, owner_alone",
        "toml_text.encode(), owner_alone",
        f"{LEAGUE}/folder/test_folder.py",
    ),
    Break(
        "a plain name, whatever lineage a snapshot states",
        "league/members/entry.py",
        "lineage = made_name(description.lineage, otherwise=description.family)",
        "lineage = description.lineage or description.family",
        f"{LEAGUE}/members/test_names.py",
    ),
    Break(
        "an export inside its folder, whatever the member is called",
        "league/members/exports.py",
        "made_name(member.name)",
        "member.name",
        f"{LEAGUE}/members/test_names.py",
    ),
    Break(
        "reserved names of a learner's snapshots",
        "league/members/names.py",
        "return match[1] if match[1] in known else None",
        "return None",
        f"{LEAGUE}/members/test_names.py",
    ),
    Break(
        "the next free name for a snapshot whose name is taken",
        "league/members/admission.py",
        "name = next_free_name(session, wanted)",
        "name = wanted",
        f"{LEAGUE}/members/test_admission.py",
    ),
    Break(
        "text as text on every screen",
        "league/report/console.py",
        "markup=False",
        "markup=True",
        f"{LEAGUE}/cli/test_foreign_text.py",
    ),
    Break(
        "no control character of a text on a terminal",
        "league/report/console.py",
        'yield Segment(visible(segment.text, keep="\\n"), segment.style)',
        "yield segment",
        f"{LEAGUE}/cli/test_foreign_text.py",
    ),
    Break(
        "no control character in a printed line",
        "league/cli/options.py",
        'click.echo(visible(text, keep="\\n"), err=to_stderr)',
        "click.echo(text, err=to_stderr)",
        f"{LEAGUE}/cli/test_foreign_text.py",
    ),
    Break(
        "no mathematics in the names of a picture",
        "league/report/figures.py",
        "text.set_parse_math(False)",
        "pass",
        f"{LEAGUE}/cli/test_foreign_text.py",
    ),
    Break(
        "two daemons on one league",
        "league/daemon/lock.py",
        "fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)\n    except OSError as error:",
        "pass\n    except OSError as error:",
        f"{LEAGUE}/daemon/test_lock.py",
    ),
]


def try_break(row: Break, copy: Path) -> str | None:
    """Make one change in the copy and run its test; returns what is wrong, or None."""
    path = copy / row.file
    before = path.read_text(encoding="utf-8")
    if before.count(row.old) != 1:
        return f"{row.file} holds the old text {before.count(row.old)} times, expected once"
    path.write_text(before.replace(row.old, row.new), encoding="utf-8")
    try:
        found = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", row.test],
            cwd=copy,
            env=os.environ | {"PYTHONPATH": str(copy)},
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        path.write_text(before, encoding="utf-8")
    if found.returncode == 1:  # tests ran, and one failed
        return None
    if found.returncode == 0:
        return f"no test of {row.test} failed"
    return f"{row.test} could not run: {(found.stdout + found.stderr)[-400:]}"


def main(words: list[str]) -> int:
    """Try all breaks, or those whose name holds a word."""
    chosen = [row for row in BREAKS if all(word in row.name for word in words)]
    n_missed = 0
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "project"
        ignored = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "league-data*")
        shutil.copytree(ROOT, copy, ignore=ignored)
        for row in chosen:
            trouble = try_break(row, copy)
            n_missed += trouble is not None
            sys.stdout.write(f"{'caught' if trouble is None else 'MISSED'}  {row.name}\n")
            if trouble is not None:
                sys.stdout.write(f"        {trouble}\n")
    sys.stdout.write(f"{len(chosen) - n_missed} of {len(chosen)} breaks were caught\n")
    return 1 if n_missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
