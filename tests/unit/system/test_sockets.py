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
from lockdeck.backend.system.sockets import listeners, listening_inodes, uids_behind

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


@given(raw=st.binary(max_size=400) | st.just(b"  0: 0100007F:zz 0:0 0A 0 0 0 0 0 x\n"))
def test_a_table_of_any_shape_names_only_whole_rows(raw):
    assert all(isinstance(number, int) for row in sockets._rows(raw) for number in row[1:])


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
    ("bound", "asked", "behind"),
    [
        ("127.0.0.1", "127.0.0.1", {4242}),
        ("0.0.0.0", "127.0.0.1", {4242}),
        ("::", "127.0.0.1", {4242}),
        ("::1", "::1", {4242}),
        ("127.0.0.2", "127.0.0.1", set()),
    ],
)
def test_the_owner_of_a_port_is_told_by_the_address_that_is_asked(bound, asked, behind):
    command = [sys.executable, "-c", AS_STRANGER, bound]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        port = int(process.stdout.readline())
        assert uids_behind(asked, port, 0) == behind
        process.kill()


def test_a_process_that_is_gone_has_no_sockets():
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert listeners(server.getsockname()[1], [2**22 + 1]) == ()
