from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from lockdeck.backend.openclaw.roots.era import era_of, era_signature, has_session_table

TABLE = "CREATE TABLE session_nodes (session_key TEXT PRIMARY KEY, entry_json TEXT)"


def database(path: Path, *statements: str, page_size: int = 4096) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"PRAGMA page_size={page_size}")
        for statement in statements:
            connection.execute(statement)
    return path


def agent_database(root: Path) -> Path:
    return root / "agents/main/agent/openclaw-agent.sqlite"


def filler(number: int) -> str:
    columns = ", ".join(f"a_rather_long_column_name_{column} TEXT NOT NULL" for column in range(20))
    return f"CREATE TABLE filler_{number} ({columns})"


@pytest.mark.parametrize("page_size", [512, 4096, 65536])
def test_a_root_with_a_session_table_is_of_the_sqlite_era(tmp_path: Path, page_size: int) -> None:
    database(agent_database(tmp_path), TABLE, page_size=page_size)
    assert era_of(str(tmp_path)) == "sqlite"


def test_the_table_is_found_among_many_and_behind_much_data(tmp_path: Path) -> None:
    many = [filler(number) for number in range(60)]
    rows = ["CREATE TABLE data (x)", "INSERT INTO data VALUES (zeroblob(2000000))"]
    assert has_session_table(str(database(tmp_path / "a.sqlite", *rows, *many, TABLE)))
    assert not has_session_table(str(database(tmp_path / "b.sqlite", *rows, *many)))


def test_a_table_that_is_still_in_the_write_ahead_log_counts(tmp_path: Path) -> None:
    path = agent_database(tmp_path)
    path.parent.mkdir(parents=True)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA wal_autocheckpoint=0")
        connection.execute(TABLE)
        assert b"session_nodes" not in path.read_bytes()
        assert era_of(str(tmp_path)) == "sqlite"


def test_other_databases_and_other_files_are_of_the_file_era(tmp_path: Path) -> None:
    assert era_of(str(tmp_path)) == "files"
    database(agent_database(tmp_path), "CREATE TABLE other (x)", "INSERT INTO other VALUES ('session_nodes')")
    assert era_of(str(tmp_path)) == "files"
    for raw in (b"", b"SQLite format 3\0", b"tablesession_nodessession_nodes" * 10, os.urandom(8192)):
        agent_database(tmp_path).write_bytes(raw)
        assert era_of(str(tmp_path)) == "files"


def test_a_planted_pipe_or_link_is_neither_waited_for_nor_followed(tmp_path: Path) -> None:
    real = database(tmp_path / "real.sqlite", TABLE)
    path = agent_database(tmp_path)
    path.parent.mkdir(parents=True)
    os.mkfifo(path)
    assert era_of(str(tmp_path)) == "files"
    path.unlink()
    path.symlink_to(real)
    assert era_of(str(tmp_path)) == "files"


@pytest.mark.parametrize("noise", range(20))
def test_damaged_schema_pages_end_the_search(tmp_path: Path, noise: int) -> None:
    path = database(tmp_path / "a.sqlite", *(filler(number) for number in range(60)))
    raw = bytearray(path.read_bytes())
    for offset in range(100, 4096, 7):
        raw[offset] = (noise * 37 + offset) % 256
    raw[100] = 0x05
    path.write_bytes(raw)
    assert not has_session_table(str(path))


def test_looking_leaves_no_trace(tmp_path: Path) -> None:
    path = database(agent_database(tmp_path), TABLE)
    before = sorted(os.listdir(path.parent)), path.stat().st_mtime_ns, path.stat().st_ctime_ns
    era_of(str(tmp_path))
    assert (sorted(os.listdir(path.parent)), path.stat().st_mtime_ns, path.stat().st_ctime_ns) == before


def test_the_signature_changes_with_the_database(tmp_path: Path) -> None:
    empty = era_signature(str(tmp_path))
    path = database(agent_database(tmp_path), TABLE)
    first = era_signature(str(tmp_path))
    database(path, filler(1))
    assert len({empty, first, era_signature(str(tmp_path))}) == 3
