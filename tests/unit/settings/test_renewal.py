"""What of a changed configuration a running dashboard uses at once, and what waits for a new start."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace as changed

from lockdeck.backend.settings.keys import config_keys
from lockdeck.backend.settings.records import HostSettings, RootSettings, Settings
from lockdeck.backend.settings.renewal import AT_ONCE, renewed

OTHERS = {
    "read_only": True,
    "theme": "light",
    "logs": ("/log",),
    "roots": (RootSettings("/r"),),
    "hosts": (HostSettings("alpha", ("ssh", "alpha")),),
    "rescan_s": 9.0,
    "gap_grace_s": 9.0,
    "columns": ("agent",),
    "locks_columns": ("pid",),
    "events_columns": ("time",),
    "journal_columns": ("time",),
    "hosts_columns": ("seen",),
    "notify": ("bell",),
    "notify_after_s": 9.0,
    "notify_every_s": 9.0,
    "mouse": False,
    "keys": {"quit": ("x",)},
}
"""Another value than the default for each setting."""


def test_every_setting_is_used_at_once_or_named_as_waiting():
    names = {key.name for key in config_keys(Settings)}
    assert names == set(OTHERS)
    for name, value in OTHERS.items():
        renewal = renewed(Settings(), changed(Settings(), **{name: value}))
        assert (renewal.used, renewal.waiting) in (((name,), ()), ((), (name,)))
        assert getattr(renewal.settings, name) == (value if renewal.used else getattr(Settings(), name))


@given(st.sets(st.sampled_from(sorted(OTHERS))), st.sets(st.sampled_from(sorted(OTHERS))))
def test_what_is_used_becomes_what_is_wished_and_nothing_else_changes(first, then):
    before = changed(Settings(), **{name: OTHERS[name] for name in first})
    now = changed(Settings(), **{name: OTHERS[name] for name in then})
    renewal = renewed(before, now)
    for name in OTHERS:
        used = name in AT_ONCE or (name == "read_only" and now.read_only)
        assert getattr(renewal.settings, name) == getattr(now if used else before, name)
    again = renewed(renewal.settings, now)
    assert (again.used, again.waiting, again.settings) == ((), renewal.waiting, renewal.settings)


def test_read_only_begins_at_once_and_ends_with_a_new_start():
    read_only = changed(Settings(), read_only=True)
    assert renewed(Settings(), read_only).settings.read_only
    back = renewed(read_only, Settings())
    assert back.settings.read_only
    assert back.waiting == ("read_only",)


def test_a_root_becomes_read_only_at_once_whatever_else_of_it_waits():
    before = changed(Settings(), roots=(RootSettings("/r"), RootSettings("/s")))
    now = changed(Settings(), roots=(RootSettings("/r", read_only=True, own_namespace=True),))
    renewal = renewed(before, now)
    assert renewal.settings.roots == (RootSettings("/r", read_only=True), RootSettings("/s"))
    assert (renewal.used, renewal.waiting) == (("read_only of /r",), ("roots",))


@pytest.mark.parametrize(
    ("then", "waits"), [(True, ()), (False, ("roots",))], ids=["it alone", "and its end waits"]
)
def test_of_the_roots_only_what_is_not_in_use_waits(then, waits):
    before = changed(Settings(), roots=(RootSettings("/r", read_only=True),))
    now = changed(Settings(), roots=(RootSettings("/r", read_only=then),))
    assert renewed(before, now).waiting == waits
    assert renewed(before, now).settings.root("/r").read_only
