"""Which process listens on a port is read off the kernel's own tables."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockdeck.backend.system import procfs, sockets
from lockdeck.backend.system.sockets import Behind, listeners, listening_inodes, who_is_behind

pytestmark = pytest.mark.skipif(not procfs.LINUX, reason="written for Linux")
LISTEN = """
import socket, sys
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_the_process_that_listens_is_named_and_one_that_is_connected_is_not(family, host):
    with socket.create_server((host, 0), family=family) as server:
        port = server.getsockname()[1]
        with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
            assert listeners(port, [other.pid]) == ()
            assert listeners(port, [os.getpid(), other.pid]) == (os.getpid(),)
            assert listening_inodes(port) == {os.fstat(server.fileno()).st_ino}
            other.kill()
        with socket.create_connection((host, port)) as connection:
            assert listeners(connection.getsockname()[1]) == ()
    assert listeners(port) == ()


def test_another_process_on_the_port_is_found_among_all():
    with subprocess.Popen(
        [sys.executable, "-c", LISTEN], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        port = int(process.stdout.readline())
        assert listeners(port) == (process.pid,)
        process.kill()


@given(line=st.binary(max_size=200) | st.just(b"  0: 0100007F:zz 0:0 0A 0 0 0 0 0 x\n"))
def test_a_line_of_any_shape_is_a_whole_row_or_none(line):
    row = sockets._row(line)
    assert row is None or all(
        isinstance(number, int) for number in (row.port, row.visitor_port, row.uid, row.inode)
    )


AS_STRANGER = """
import os, socket, sys
os.setuid(4242)  # before the socket is made: it keeps the user that made it
server = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET)
if ":" in sys.argv[1]:
    server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
server.bind((sys.argv[1], 0))
server.listen()
print(server.getsockname()[1], flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")
@pytest.mark.parametrize(
    ("bound", "asked", "uids"),
    [
        ("127.0.0.1", "127.0.0.1", {4242}),
        ("0.0.0.0", "127.0.0.1", {4242}),
        ("::", "127.0.0.1", {4242}),
        ("::1", "::1", {4242}),
        ("127.0.0.2", "127.0.0.1", set()),
    ],
)
def test_the_owner_of_a_port_is_told_by_the_address_that_is_asked(bound, asked, uids):
    command = [sys.executable, "-c", AS_STRANGER, bound]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        port = int(process.stdout.readline())
        assert who_is_behind((asked, port), (asked, 0)) == Behind(frozenset(uids), answers=False)
        process.kill()


@pytest.mark.parametrize("bound", ["127.0.0.1", "::"])
def test_the_socket_that_answers_is_shown_before_it_is_accepted_and_after_its_listener_is_gone(bound):
    family = socket.AF_INET6 if ":" in bound else socket.AF_INET
    server = socket.create_server((bound, 0), family=family, dualstack_ipv6=":" in bound)
    there = "127.0.0.1", server.getsockname()[1]
    ours = Behind(frozenset({os.geteuid()}), answers=True)
    with socket.create_connection(there) as connection:
        here = connection.getsockname()
        assert who_is_behind(there, here) == ours
        assert not who_is_behind(there, (here[0], here[1] - 1)).answers
        visitor, _ = server.accept()
        assert who_is_behind(there, here) == ours
        server.close()
        assert who_is_behind(there, here) == ours
        visitor.close()
        assert who_is_behind(there, here) == Behind(frozenset(), answers=False)


THERE, HERE = ("127.0.0.1", 0x4965), ("127.0.0.1", 0xA001)


def table_row(local: str, remote: str, state: str, uid: int, inode: int) -> str:
    return f"   1: {local} {remote} {state} 00000000:00000000 00:00000000 00000000 {uid:5}        0 {inode} 1 0 20 4 0 10 -1\n"


@pytest.fixture
def tables(tmp_path, monkeypatch):
    """Put rows into the tables; two megabytes of the connections of others stand before them."""
    crowd = table_row("0100007F:70E2", "0100007F:9000", "01", 4242, 7) * 20_000

    def write(*rows: str) -> None:
        path = tmp_path / "tcp"
        path.write_text("  sl  local_address rem_address   st\n" + crowd + "".join(rows))
        monkeypatch.setattr(sockets, "_TABLES", (str(path), str(tmp_path / "none")))

    return write


@pytest.mark.skipif(sys.byteorder != "little", reason="the rows are those of a little-endian machine")
@pytest.mark.parametrize(
    ("rows", "uids", "answers"),
    [
        ([("0100007F:4965", "0100007F:A001", "01", 4242, 9)], {4242}, True),
        ([("0000000000000000FFFF00000100007F:4965", "0000000000000000FFFF00000100007F:A001", "01", 4242, 9)], {4242}, True),
        ([], set(), False),
        # Closing or waiting: without an owner, and with root's uid.
        ([("0100007F:4965", "0100007F:A001", "06", 0, 0)], set(), False),
        ([("0100007F:4965", "0100007F:A001", "05", 0, 0)], set(), False),
        # Not accepted yet, with root's uid: whoever listens is behind it, and where nobody does, nobody is.
        ([("0100007F:4965", "0100007F:A001", "01", 0, 0)], set(), False),
        ([("00000000:4965", "00000000:0000", "0A", 4242, 8), ("0100007F:4965", "0100007F:A001", "01", 0, 0)], {4242}, True),
        # Our own end, and the connections of others.
        ([("0100007F:A001", "0100007F:4965", "01", 0, 9)], set(), False),
        ([("0100007F:4965", "0100007F:A002", "01", 0, 9)], set(), False),
        ([("0100007F:4965", "0200007F:A001", "01", 0, 9)], set(), False),
        ([("0200007F:4965", "0100007F:A001", "01", 0, 9)], set(), False),
    ],
)  # fmt: skip
def test_only_the_mirror_of_our_connection_answers_however_long_the_table_is(tables, rows, uids, answers):
    tables(*(table_row(*row) for row in rows))
    assert who_is_behind(THERE, HERE) == Behind(frozenset(uids), answers)


def test_who_listens_is_found_however_long_the_table_is(tables):
    tables(table_row("0100007F:4965", "00000000:0000", "0A", 4242, 8))
    assert listening_inodes(0x4965) == {8}


def test_a_process_that_is_gone_has_no_sockets():
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert listeners(server.getsockname()[1], [2**22 + 1]) == ()
