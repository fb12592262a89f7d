from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockdeck.backend.model import releases as versions
from lockdeck.backend.model.releases import Version

IN_ORDER = [
    "2026.2.9",
    "2026.3.13",
    "2026.4.5",
    "2026.4.10",
    "2026.4.29",
    "2026.5.7",
    "2026.7.1",
    "2026.7.1-2",
    "2026.7.1-10",
    "2026.7.35",
    "2026.8.1-alpha.2",
    "2026.8.1-beta.1",
    "2026.8.1-beta.2",
    "2026.8.1",
    "2026.10.1",
    "2027.1.0",
]


def at(text: str) -> Version:
    version = Version.parse(text)
    assert version is not None
    return version


def test_versions_sort_as_they_were_released() -> None:
    parsed = [at(text) for text in reversed(IN_ORDER)]
    assert [str(version) for version in sorted(parsed)] == IN_ORDER


@pytest.mark.parametrize("text", IN_ORDER)
def test_a_version_prints_as_it_was_written(text: str) -> None:
    assert str(at(text)) == text
    assert at(f" v{text}\n") == at(text)


@pytest.mark.parametrize(
    "text",
    ["", "2026", "2026.4", "4.5.1.2", "2026.4.5.6", "2026.4.x", "latest", None, 20264, "２０２６.4.5" * 20],
)
def test_what_is_no_version_is_none(text: object) -> None:
    assert Version.parse(text) is None


@given(st.text())
def test_no_text_makes_the_parser_raise(text: str) -> None:
    version = Version.parse(text)
    assert version is None or Version.parse(str(version)) == version


@pytest.mark.parametrize(
    ("text", "acquire_ms", "idle_s", "run_s"),
    [
        ("2026.3.13", 10_000, 60, 600),
        ("2026.4.5", 10_000, 60, 172_800),
        ("2026.4.12", 10_000, 60, 172_800),
        ("2026.4.15", 10_000, 120, 172_800),
        ("2026.4.29", 10_000, 120, 172_800),
        ("2026.5.7", 60_000, 120, 172_800),
        ("2026.7.35", 60_000, 120, 172_800),
    ],
)
def test_defaults_follow_the_version(text: str, acquire_ms: int, idle_s: float, run_s: float) -> None:
    version = at(text)
    assert versions.default_acquire_timeout_ms(version) == acquire_ms
    assert versions.default_idle_timeout_s(version) == idle_s
    assert versions.default_run_timeout_s(version) == run_s


@pytest.mark.parametrize(
    ("text", "cascade", "rotation", "reclaims"),
    [
        ("2026.2.9", True, True, True),
        ("2026.4.5", True, True, True),
        ("2026.5.18", True, True, True),
        ("2026.5.19", False, True, True),
        ("2026.7.35", False, True, True),
        ("2026.8.1", False, False, False),
        ("2026.9.6", False, False, False),
    ],
)
def test_exposure_follows_the_version(text: str, cascade: bool, rotation: bool, reclaims: bool) -> None:
    version = at(text)
    assert versions.exposed_to_lock_cascade(version) is cascade
    assert versions.exposed_to_rotation_under_lock(version) is rotation
    assert versions.reclaims_dead_locks_itself(version) is reclaims
    assert versions.has_lock_files(version) is rotation
