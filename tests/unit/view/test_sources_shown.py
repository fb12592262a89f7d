"""The sources on the screens and in text: what is read and how old it is, and what is lost."""

from __future__ import annotations

from msgspec.structs import replace

from lockdeck.backend.model.sources import SourceKind, SourceState, SourceView
from lockdeck.tui.view.counts import FleetCounts
from lockdeck.tui.view.details import Picture, describe
from lockdeck.tui.view.header import HeaderState, header
from lockdeck.tui.view.lines import plain
from lockdeck.tui.view.printed.plain import snapshot_lines
from lockdeck.tui.view.symbols import ASCII
from tests.tui import samples

LOST = "no log is read, so a rotation would not be seen: /tmp/openclaw: holds no log; name the log with --log FILE"


def fleet(log: SourceView):
    whole = samples.incident()
    (root,) = whole.roots
    sources = (log, *(source for source in root.sources if source.kind is not SourceKind.LOG))
    return replace(whole, roots=(replace(root, sources=sources),))


READ = fleet(SourceView(SourceKind.LOG, "/tmp/openclaw/a.log", SourceState.READ, samples.NOW - 7))
MISSING = fleet(SourceView(SourceKind.LOG, "/tmp/openclaw", SourceState.MISSING, None, LOST))


def header_text(snapshot):
    return "\n".join(map(plain, header(snapshot, FleetCounts(), HeaderState(samples.NOW), ASCII, 200)))


def session_text(snapshot):
    picture = Picture(samples.NOW, snapshot, session=snapshot.sessions[0], lock=snapshot.sessions[0].lock)
    return "\n".join(map(plain, describe(picture, lambda _command: None, ASCII, 200)))


def test_the_header_tells_how_old_the_log_is_beside_its_gateway():
    assert "port 18789, log 7 s ago" in header_text(READ)


def test_the_header_tells_of_a_log_that_is_missing_and_not_of_a_gateway_that_is_not_needed():
    assert "port 18789, log missing" in header_text(MISSING)
    assert "gateway not needed" not in header_text(MISSING)


def test_the_session_screen_tells_each_source_and_what_is_lost_without_it():
    assert "log read 7 s ago  /tmp/openclaw/a.log" in session_text(READ)
    assert "gateway not needed  127.0.0.1:18789" in session_text(READ)
    assert LOST in session_text(MISSING)


def test_status_has_one_line_of_sources_for_each_root():
    lines = list(snapshot_lines(READ))
    assert (
        "  sources: log read 7 s ago, locks read 0 s ago, store read 0 s ago, processes read 0 s ago" in lines
    )
    assert any("sources: log missing, " in text for text in snapshot_lines(MISSING))
