"""Lines, figures and column widths."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from lockdeck.backend.model.words import duration
from lockdeck.backend.system.text import safe
from lockdeck.tui.table.columns.fleet import COLUMNS
from lockdeck.tui.table.columns.locks import COLUMNS as LOCK_COLUMNS
from lockdeck.tui.table.layout import GAP, lay_out
from lockdeck.tui.table.naming import cut_names
from lockdeck.tui.view.bars import bar
from lockdeck.tui.view.lines import fit, line, merged, plain, sides, span, width_of, wrap
from lockdeck.tui.view.symbols import ASCII, UNICODE, choose_symbols

LINES = st.lists(st.text(max_size=30), max_size=4).map(lambda parts: line(*(span(part) for part in parts)))


@given(LINES, st.integers(0, 60), st.booleans())
def test_a_fitted_line_has_exactly_the_width(row: tuple, width: int, right: bool) -> None:
    assert width_of(fit(row, width, right=right)) == width


@given(LINES, st.integers(4, 60))
def test_wrapping_loses_no_character_but_blanks_and_exceeds_no_width(row: tuple, width: int) -> None:
    rows = list(wrap(row, width, indent=1))
    assert all(width_of(part) <= width for part in rows)
    assert "".join("".join(map(plain, rows)).split()) == "".join(plain(row).split())


@given(LINES)
def test_merging_changes_no_text(row: tuple) -> None:
    assert plain(merged(row)) == plain(row)
    assert len(merged(row)) <= 1


def test_the_right_side_is_kept_when_there_is_no_room() -> None:
    assert plain(sides(line("a long left side"), line("live"), 10)) == "a lo… live"


@given(st.integers(20, 240))
def test_columns_never_exceed_the_table(width: int) -> None:
    layout = lay_out(COLUMNS, width)
    assert sum(cells for _, cells in layout) + GAP * (len(layout) - 1) <= max(width, 38)


def test_columns_drop_by_importance() -> None:
    def titles(width: int) -> list[str]:
        return [COLUMNS[index].title for index, _ in lay_out(COLUMNS, width - 2)]

    assert titles(60) == ["STATE", "AGENT", "SESSION", "ATTEMPT", "OCCUPIED"]
    assert titles(80) == [*titles(60), "FREE BY", "HOLDER"]
    assert set(titles(120)) == {*titles(80), "WAITING"}
    assert len(titles(140)) == len(titles(200)) == len(COLUMNS) - len(("LOCK", "CHURN", "TREND"))


@given(st.sets(st.text("ab:-é漢", min_size=1, max_size=30), max_size=12), st.integers(8, 30))
def test_names_that_are_cut_have_the_width_and_stay_different(names: set[str], width: int) -> None:
    for ellipsis in ("…", "~"):
        cut = cut_names(names, width, ellipsis)
        shown = [cut.get(name, name) for name in names]
        assert len(set(shown)) == len(names)
        assert all(cell_len(name) <= width for name in shown)


def test_a_name_that_is_cut_keeps_its_end_from_a_joint_on() -> None:
    cut = cut_names(["discord:channel:119834421", "telegram:direct:4402", "main"], 15, "…")
    assert cut == {"discord:channel:119834421": "disco…119834421", "telegram:direct:4402": "tel…direct:4402"}


@given(st.floats(0, 99 * 86_400))
def test_a_duration_fits_its_columns(seconds: float) -> None:
    width = {column.name: column.width.cells for column in (*LOCK_COLUMNS, *COLUMNS)}
    assert len(duration(seconds)) <= width["occupied"]
    assert len(duration(seconds)) <= width["age"]
    assert len(f"in {duration(seconds)} at 23:26:41") <= width["free_by"]
    brief = {column.name: column.width.brief_cells for column in COLUMNS}
    assert len(f"in {duration(seconds)}") <= brief["free_by"]


@given(st.floats(-1, 2), st.integers(0, 30))
def test_a_bar_has_its_width_in_both_symbol_sets(share: float, width: int) -> None:
    assert width_of(bar(share, width, UNICODE, "text")) == width
    assert width_of(bar(share, width, ASCII, "text")) == width


def test_the_ascii_set_is_ascii_and_every_glyph_is_one_cell() -> None:
    for symbols in (ASCII, UNICODE):
        glyphs = [
            *symbols.states.values(),
            *symbols.verdicts.values(),
            symbols.tried,
            symbols.cut,
            *symbols.cells,
        ]
        assert all(cell_len(glyph) == 1 for glyph in glyphs)
        assert all(safe(glyph) == glyph for glyph in glyphs)
        assert symbols.ascii_only == all(glyph.isascii() for glyph in glyphs)


def test_a_terminal_that_cannot_show_the_glyphs_gets_ascii() -> None:
    assert choose_symbols({"LANG": "C"}) is ASCII
    assert choose_symbols({"LANG": "en_US.UTF-8", "LC_ALL": "C"}) is ASCII
    assert choose_symbols({"LANG": "en_US.UTF-8", "TERM": "linux"}) is ASCII
    assert choose_symbols({"LANG": "en_US.utf8", "TERM": "xterm"}) is UNICODE
