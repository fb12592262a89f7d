"""What the command line prints of a fleet: whole in a pipe, as wide as the terminal on one, and fit to be pasted."""

from __future__ import annotations

import re
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from lockdeck.backend.model.incidents.records import Incident, IncidentKind, Symptom
from lockdeck.backend.model.locks import Verdict
from lockdeck.backend.system.text import SafeText
from lockdeck.tui.view.printed.markdown import code, markdown_lines, plain
from lockdeck.tui.view.printed.plain import snapshot_lines
from lockdeck.tui.view.printed.table import needs_words, table_lines
from lockdeck.tui.view.printed.wrapping import labelled_lines
from tests.tui import samples


def with_cause():
    snapshot = samples.incident()
    members = tuple(s.identity for s in snapshot.sessions if s.rotation and not s.rotation.finished)
    incident = Incident(
        IncidentKind.PROVIDER,
        ("github-copilot",),
        Symptom.SILENT,
        samples.NOW - 187,
        agents=("ezra", "juno", "silas"),
        members=members,
        attempts=9,
        callers=6,
        evidence=("github-copilot: 9 attempts failed",),
    )
    return replace(snapshot, incidents=(incident,))


def printed(snapshot, width=None):
    return list(snapshot_lines(snapshot, width))


def test_host_time_with_zone_and_the_cause_stand_first():
    first, cause, *_ = printed(with_cause())
    assert re.fullmatch(r"\S+  \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \S+", first)
    assert cause.startswith("github-copilot answers nobody since ")
    assert "3 agents, 9 attempts, 0 answers, 6 callers refused" in cause
    assert "  to cancel all of it: lockdeck cancel --provider github-copilot" in printed(with_cause())


def test_in_a_pipe_key_lock_path_and_release_id_of_all_that_needs_a_person_are_whole():
    snapshot = with_cause()
    text = "\n".join(printed(snapshot))
    for session in filter(needs_words, snapshot.sessions):
        assert f"key       {session.key}\n" in text
        if session.lock is not None:
            assert f"lock      {session.lock.record.path}  release id {session.lock.release_id}" in text


def test_the_commands_that_are_printed_name_the_very_hold_or_session():
    dead = next(s for s in samples.incident().sessions if s.lock and s.lock.judgement.verdict is Verdict.DEAD)
    (line,) = [line for line in printed(samples.incident()) if "lockdeck release" in line]
    words = shlex.split(line[line.index("lockdeck release") :])
    assert words == ["lockdeck", "release", dead.lock.record.path, "--release-id", dead.lock.release_id]


@pytest.mark.parametrize("width", [80, 120])
def test_on_a_terminal_rows_keep_its_width_and_a_name_keeps_its_end(width):
    snapshot = samples.incident()
    busy = [s for s in snapshot.sessions if s.lock is not None]
    title, *rows = [line for line in table_lines(snapshot, busy, width) if not line.startswith("     ")]
    assert all(len(line) <= width for line in (title, *rows))
    assert any("119834421" in row for row in rows)


def test_wide_has_every_session_in_one_line_with_root_lock_and_release_id():
    snapshot = samples.incident()
    title, *rows = table_lines(snapshot, snapshot.sessions, None, wide=True)
    assert title.split()[-4:] == ["LOCK", "FILE", "RELEASE", "ID"]
    assert len(rows) == len(snapshot.sessions)
    for session, row in zip(snapshot.sessions, rows, strict=True):
        assert session.key in row
        assert session.lock is None or row.endswith(session.lock.release_id)


def test_markdown_is_the_cause_and_five_lines_for_each_session_that_needs_a_person():
    text = "\n".join(markdown_lines(with_cause()))
    assert text.startswith("**lockdeck** on ")
    assert "**github-copilot answers nobody since " in text
    needy = [session for session in samples.incident().sessions if needs_words(session)]
    for label in ("why", "who", "how long", "waiting", "now"):
        assert text.count(f"- **{label}** ") == len(needy)
    assert "`lockdeck cancel --provider github-copilot`" in text


@given(st.text())
def test_text_from_outside_is_no_markup_in_markdown(text):
    shown = plain(text)
    assert "\n" not in shown
    assert not re.search(r"(?<!\\)(?:\\\\)*[`*_\[\]<>#|@]", shown)
    assert "\n" not in code(text)


def test_code_with_backticks_is_one_piece_of_code():
    assert code("a`b") == "``a`b``"
    assert code("`a") == "`` `a ``"


def test_labels_stand_in_a_column_and_long_rows_go_on_below_their_text():
    rows = [("why", SafeText("one two three four five six seven")), ("how long", SafeText("x"))]
    assert list(labelled_lines(rows, None)) == [
        "  why       one two three four five six seven",
        "  how long  x",
    ]
    assert list(labelled_lines(rows, 33)) == [
        "  why       one two three four",
        "            five six seven",
        "  how long  x",
    ]
