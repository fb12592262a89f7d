"""What is remembered of the heads of lines changes no answer."""

from __future__ import annotations

import random
from collections.abc import Iterable
from unittest.mock import patch

from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from lockdeck.backend.openclaw.log.framing.heads import Heads
from lockdeck.backend.openclaw.log.framing.unwrap import Unwrapped, Unwrapper
from tests.unit.openclaw.wrappers import (
    BRACKETS,
    FORMS,
    WRAPS,
    Line,
    clocked,
    recorded,
    terminal,
    undated,
)

ALL_FORMS = {**FORMS, "terminal": terminal, "clocked": clocked, "undated": undated}
ALL_WRAPS = {"none": lambda _line, text: text, **WRAPS, **BRACKETS}
LINES = recorded()[::9]


def unwrapped(lines: Iterable[bytes]) -> list[Unwrapped]:
    unwrapper = Unwrapper()
    return [as_read(unwrapper.unwrap(line)) for line in lines]


def as_read(line: Unwrapped) -> Unwrapped:
    """A line without the times around a record that tells its own: nobody asks for them."""
    if line.written_at is None or line.text:
        return line
    return replace(line, at=None, clock=None, stamp="", zoneless=False)


def without_memory(lines: Iterable[bytes]) -> list[Unwrapped]:
    with patch.object(Heads, "of", return_value=None):
        return unwrapped(lines)


def rendered(line: Line, form: str, wraps: Iterable[str]) -> bytes:
    text = ALL_FORMS[form](line)
    for wrap in wraps:
        text = ALL_WRAPS[wrap](line, text)
    return text.encode("utf-8", "surrogatepass")


def test_no_form_in_any_wrap_reads_otherwise_when_its_head_is_remembered():
    for form in ALL_FORMS:
        for wrap in ALL_WRAPS:
            lines = [rendered(line, form, [wrap]) for line in LINES]
            assert unwrapped(lines) == without_memory(lines), (form, wrap)


def test_heads_of_common_wraps_are_remembered():
    for form in ("tslog", "console"):
        for wrap in ("docker logs -t", "CRI", "compose", "compose with colour", "journal short", "stern -t"):
            heads = Heads()
            with patch("lockdeck.backend.openclaw.log.framing.unwrap.Heads", return_value=heads):
                unwrapped([rendered(LINES[0], form, [wrap])])
            assert heads.of(rendered(LINES[1], form, [wrap])) is not None, (form, wrap)


def test_another_pod_in_a_head_of_the_same_shape_is_named_by_its_name():
    lines = [
        f"openclaw-{pod} gateway {line.raw}".encode() for line, pod in zip(LINES, [0, 1, 0, 1], strict=False)
    ]
    assert [line.origins for line in unwrapped(lines)] == [
        ("openclaw-0/gateway",),
        ("openclaw-1/gateway",),
    ] * 2


garbling = st.lists(
    st.tuples(st.integers(0, 120), st.sampled_from(list('0123456789[]{}:<>|-. aZ"\x1bé'))), max_size=3
)


@settings(max_examples=300)
@given(
    forms=st.lists(st.sampled_from(sorted(ALL_FORMS)), min_size=1, max_size=2),
    wraps=st.lists(st.sampled_from(sorted(ALL_WRAPS)), max_size=2),
    garbled=garbling,
    seed=st.integers(0, 1000),
)
@example(["console"], ["syslog 5424"], [(5, "2")], 0)
@example(["tslog"], ["compose with colour"], [(100, "\x1b")], 0)
def test_garbled_lines_read_alike_with_and_without_memory(forms, wraps, garbled, seed):
    chance = random.Random(seed)
    lines = []
    for line in LINES[:4]:
        text = rendered(line, chance.choice(forms), wraps)
        if chance.random() < 0.5:
            for place, byte in garbled:
                text = text[:place] + byte.encode() + text[place + 1 :]
        lines.append(text)
    assert unwrapped(lines * 2) == without_memory(lines * 2)
