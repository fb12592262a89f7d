"""Rotated names: who is of one log, and who is older."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockdeck.backend.openclaw.log.inputs.rotation import family_of, has_log_name, in_sets

CONTAINER = "3f2a20260409ab" * 4
SETS = {
    "openclaw": [
        "openclaw-2026-04-08.log",
        "openclaw-2026-04-09.5.log",
        "openclaw-2026-04-09.1.log",
        "openclaw-2026-04-09.log",
        "openclaw-2026-04-10.log",
    ],
    "logrotate": ["x.log.10.gz", "x.log.2.gz", "x.log.1", "x.log"],
    "dateext": ["x.log-20260408.gz", "x.log-20260409", "x.log-2026040913", "x.log"],
    "dateformat": ["x.log-20260409-1775728800.gz", "x.log-20260409-1775732400", "x.log"],
    "extension": ["app-20260408.log.xz", "app-20260409.log", "app.log"],
    "kubelet": ["0.log.20260409-110000.gz", "0.log.20260409-120000", "0.log"],
    "docker": [f"{CONTAINER}-json.log.2.gz", f"{CONTAINER}-json.log.1", f"{CONTAINER}-json.log"],
    "pm2": ["out__2026-04-08_00-00-00.log.gz", "out__2026-04-09_00-00-00.log", "out.log"],
    "newsyslog": ["gateway.err.log.1.bz2", "gateway.err.log.0.bz2", "gateway.err.log"],
    "runit": [
        "@400000006629d1a50b6e1a2c.s",
        "@400000006629d1a60b6e1a2c.u",
        "current",
    ],
    "syslog": ["syslog.2.gz", "syslog.1", "syslog"],
}


@pytest.mark.parametrize("kind", SETS)
@given(data=st.data())
def test_the_files_of_one_log_are_in_order_oldest_first(kind, data):
    names = data.draw(st.permutations(SETS[kind]))
    (files,) = in_sets(f"/logs/{name}" for name in names).values()
    assert files == [f"/logs/{name}" for name in SETS[kind]]
    assert all(map(has_log_name, names))


def test_other_names_and_folders_are_other_logs():
    paths = ["a/0.log", "a/1.log", "b/0.log", "a/out.log", "a/err.log", "a/openclaw-2026-04-09.log"]
    assert sorted(in_sets(paths).values()) == [[path] for path in sorted(paths)]


@pytest.mark.parametrize(
    "name", ["notes.md", "openclaw.json", "main.py", "sessions.jsonl", "a.lock", "data.gz"]
)
def test_other_files_have_no_names_of_logs(name):
    assert not has_log_name(name)


@given(st.text(st.characters(exclude_characters="/\0"), min_size=1, max_size=40))
def test_every_name_has_a_family_that_is_its_own(name):
    family, _ = family_of(name)
    assert family
    assert in_sets([name]) == {family: [name]} or family != name
