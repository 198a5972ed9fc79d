"""Connections: who may write, when a transaction begins, and what the errors say."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import Engine, text

from db import queries
from db.errors import (
    ConflictError,
    DatabaseBusyError,
    DatabaseError,
    DatabaseFullError,
    NetworkFileSystemError,
    NotFoundError,
)
from db.session import (
    backup,
    file_system_of,
    may_outlive,
    open_reader,
    open_writer,
    read_transaction,
    refuse_network_file_system,
    sqlite_version_report,
    write_transaction,
)

MOUNTS = """\
/dev/sda1 / ext4 rw 0 0
server:/home /home nfs4 rw 0 0
/dev/sdb1 /home/local\\040disk xfs rw 0 0
"""


def test_a_network_file_system_is_refused_with_a_sentence() -> None:
    with pytest.raises(NetworkFileSystemError, match=r"network file system \(nfs4\).*local disk"):
        refuse_network_file_system(Path("/home/me/league.db"), MOUNTS)
    refuse_network_file_system(Path("/var/league.db"), MOUNTS)


def test_the_deepest_mount_point_decides() -> None:
    assert file_system_of(Path("/home/local disk/league.db"), MOUNTS) == "xfs"


def test_a_writer_sets_the_promised_pragmas(sqlite_writer: Engine) -> None:
    expected = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 10_000}
    with sqlite_writer.connect() as connection:
        for pragma, value in expected.items():
            assert connection.exec_driver_sql(f"PRAGMA {pragma}").scalar() == value


def test_a_process_may_outlive_a_server_and_not_a_file(writer: Engine) -> None:
    assert may_outlive(writer) == (writer.dialect.name == "postgresql")


def test_a_commit_waits_for_the_disk_unless_it_need_not_be_durable(sqlite_writer: Engine) -> None:
    levels = []
    for durable in (True, False, False, True):
        with write_transaction(sqlite_writer, durable=durable) as session:
            levels.append(session.execute(text("PRAGMA synchronous")).scalar())
    with write_transaction(sqlite_writer) as session:  # durable by default
        levels.append(session.execute(text("PRAGMA synchronous")).scalar())
    assert levels == [2, 1, 1, 2, 2]  # 2 is FULL, 1 is NORMAL


def test_a_write_transaction_begins_immediately(sqlite_writer: Engine) -> None:
    statements: list[str] = []
    raw = sqlite_writer.raw_connection()
    raw.driver_connection.set_trace_callback(statements.append)  # type: ignore[union-attr]
    raw.close()  # back to the pool, which hands it out again below
    with write_transaction(sqlite_writer) as session:
        session.execute(text("SELECT 1"))
    assert statements[0] == "BEGIN IMMEDIATE"
    statements.clear()
    with read_transaction(sqlite_writer) as session:
        session.execute(text("SELECT 1"))
    assert statements[0] == "BEGIN"


def test_a_reader_sees_the_last_commit_while_a_writer_is_in_a_transaction(
    sqlite_writer: Engine, tmp_path: Path
) -> None:
    reader = open_reader(tmp_path / "league.db")
    with write_transaction(sqlite_writer) as session:
        queries.add_event(session, "canary", "first")
    with write_transaction(sqlite_writer) as session:
        queries.add_event(session, "canary", "second")
        with read_transaction(reader) as other:
            assert [event.message for event in queries.list_events(other)] == ["first"]
    with read_transaction(reader) as other:
        assert len(queries.list_events(other)) == 2
    reader.dispose()


def test_a_reader_cannot_write(sqlite_writer: Engine, tmp_path: Path) -> None:
    reader = open_reader(tmp_path / "league.db")
    with pytest.raises(DatabaseError, match="only reads"), read_transaction(reader) as session:
        queries.add_event(session, "canary", "no")
    reader.dispose()


def test_a_postgresql_reader_cannot_write(fresh_postgresql: Engine, postgresql_url: str) -> None:
    reader = open_reader(postgresql_url)
    with pytest.raises(DatabaseError, match="only reads"), read_transaction(reader) as session:
        session.execute(text("CREATE TABLE no (id int)"))
    reader.dispose()


def test_writers_of_several_threads_wait_for_each_other(sqlite_writer: Engine) -> None:
    def add(name: str) -> None:
        for _ in range(10):
            with write_transaction(sqlite_writer) as session:
                seq = len(queries.list_events(session, limit=1000))
                queries.add_event(session, "canary", f"{seq}")

    threads = [threading.Thread(target=add, args=(str(i),)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with read_transaction(sqlite_writer) as session:
        messages = [event.message for event in queries.list_events(session, limit=1000)]
    # 4 threads x 10 writes, each of which saw all before it: no read was stale, none was lost.
    assert sorted(map(int, messages)) == list(range(40))


def test_a_writer_of_another_process_is_waited_for_and_then_named(
    sqlite_writer: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    clock = SimpleNamespace(monotonic=lambda: 100.0 + sum(waits), sleep=waits.append)
    impatient = open_writer(tmp_path / "league.db", busy_s=0.2)
    program = (
        "import sys, db.session as s\n"
        "with s.write_transaction(s.open_writer(sys.argv[1])):\n"
        "    print('held', flush=True); sys.stdin.read()\n"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "league.db")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    try:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        with monkeypatch.context() as patch:
            patch.setattr("db.session.time", clock)
            with pytest.raises(DatabaseBusyError, match=r"writer lock.*more than 0.2 s"):  # noqa: SIM117
                with write_transaction(impatient):
                    pass
        # As long as this writer was told, not the 10 s of others: 40 waits of 5 ms and one more.
        assert 0.2 <= sum(waits) <= 0.2 + 2 * 0.005
    finally:
        impatient.dispose()
        holder.kill()
        holder.communicate()
    with write_transaction(sqlite_writer) as session:  # a dead holder holds nothing
        queries.add_event(session, "canary", "free")


def test_an_exception_rolls_everything_back(writer: Engine) -> None:
    with pytest.raises(RuntimeError), write_transaction(writer) as session:
        queries.add_event(session, "canary", "lost")
        raise RuntimeError
    with read_transaction(writer) as session:
        assert queries.list_events(session) == []


def test_a_full_disk_is_told_apart_and_damages_nothing(sqlite_writer: Engine) -> None:
    with sqlite_writer.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(DatabaseFullError), write_transaction(sqlite_writer) as session:
        for _ in range(100):
            queries.add_event(session, "canary", "x" * 5000)
    with read_transaction(sqlite_writer) as session:
        assert queries.list_events(session) == []
        assert session.execute(text("PRAGMA integrity_check")).scalar() == "ok"


def test_a_backup_is_a_whole_league_and_never_overwrites(
    sqlite_writer: Engine, tmp_path: Path
) -> None:
    with write_transaction(sqlite_writer) as session:
        queries.add_event(session, "canary", "kept")
    target = backup(sqlite_writer, tmp_path / "copy.db")
    copy = open_reader(target)
    with read_transaction(copy) as session:
        assert [event.message for event in queries.list_events(session)] == ["kept"]
    copy.dispose()
    with pytest.raises(DatabaseError, match="already exists"):
        backup(sqlite_writer, target)
    assert not list(tmp_path.glob("*.partial"))


def test_a_reader_can_back_up_beside_an_open_transaction(
    sqlite_writer: Engine, tmp_path: Path
) -> None:
    reader = open_reader(tmp_path / "league.db")
    with write_transaction(sqlite_writer) as session:
        queries.add_event(session, "canary", "not yet")
        backup(reader, tmp_path / "copy.db")
    reader.dispose()
    copy = open_reader(tmp_path / "copy.db")
    with read_transaction(copy) as session:
        assert queries.list_events(session) == []
    copy.dispose()


def test_missing_files_and_folders_are_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"nothing\.db"):
        open_reader(tmp_path / "nothing.db")
    with pytest.raises(DatabaseError, match="folder"):
        open_writer(tmp_path / "no" / "league.db")
    with pytest.raises(DatabaseError, match="expected a path"):
        open_writer("mysql://me@host/league")


def test_something_that_is_no_database_is_called_damaged(tmp_path: Path) -> None:
    (tmp_path / "league.db").write_bytes(b"no database at all " * 100)
    reader = open_reader(tmp_path / "league.db")
    with pytest.raises(DatabaseError, match="damaged"), read_transaction(reader) as session:
        queries.list_events(session)
    reader.dispose()


def test_a_column_that_holds_no_json_is_called_damaged(sqlite_writer: Engine) -> None:
    with write_transaction(sqlite_writer) as session:
        queries.add_event(session, "start", "began", details={"a": 1})
        session.execute(text("UPDATE events SET details = '{'"))
    with (
        pytest.raises(DatabaseError, match=r"damaged.*replace it with a copy"),
        read_transaction(sqlite_writer) as session,
    ):
        queries.list_events(session)


def test_an_error_of_the_caller_passes_unchanged(sqlite_writer: Engine) -> None:
    with (
        pytest.raises(ValueError, match="the caller's own"),
        read_transaction(sqlite_writer),
    ):
        raise ValueError("the caller's own")


def test_a_broken_rule_becomes_a_conflict(writer: Engine) -> None:
    with pytest.raises(ConflictError, match="breaks a rule"), write_transaction(writer) as session:
        queries.add_event(session, "canary", "x", level="loud")


def test_the_version_report_is_a_sentence() -> None:
    safe, sentence = sqlite_version_report()
    assert sentence.startswith("SQLite 3.")
    assert safe or "can corrupt" in sentence


def test_importing_the_queries_loads_no_heavy_package() -> None:
    program = (
        "import sys, db.queries, db.session, db.migrate\n"
        "heavy = {'numpy', 'torch', 'scipy', 'alembic', 'numba'} & set(sys.modules)\n"
        "sys.exit(repr(heavy) if heavy else 0)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=Path(__file__).parents[2], capture_output=True
    )
    assert run.returncode == 0, run.stderr
