"""Lock paths under other prefixes: a container names the same session's lock otherwise."""

from __future__ import annotations

import pytest

from lockdeck.backend.model.sessions.lock_places import known_paths, place_of, same_lock

HERE = "/srv/claw/agents/main/sessions"
INSIDE = "/home/node/.openclaw/agents/main/sessions/s1.jsonl.lock"


def test_a_path_of_a_container_means_the_lock_here():
    assert known_paths([INSIDE], [HERE]) == {INSIDE: f"{HERE}/s1.jsonl.lock"}
    windows = r"C:\Users\x\.openclaw\agents\main\sessions\s1.jsonl.lock"
    assert known_paths([windows], [HERE]) == {windows: f"{HERE}/s1.jsonl.lock"}


def test_a_path_that_could_be_meant_in_two_roots_is_joined_to_none():
    assert known_paths([INSIDE], [HERE, "/srv/other/agents/main/sessions"]) == {}


@pytest.mark.parametrize("path", [f"{HERE}/s1.jsonl.lock", "/a/b.lock", "agents/main/x/s1.jsonl.lock", ""])
def test_a_path_that_is_known_here_or_of_another_layout_stays_as_it_is(path):
    assert known_paths([path], [HERE]) == {}


def test_two_paths_are_one_lock_when_only_their_prefix_differs():
    assert same_lock(INSIDE, f"{HERE}/s1.jsonl.lock")
    assert not same_lock(INSIDE, f"{HERE}/s2.jsonl.lock")
    assert not same_lock("/a/x.lock", "/b/x.lock")
    assert same_lock("/a/x.lock", "/a/x.lock")
    assert place_of("agents//sessions/x") is None
