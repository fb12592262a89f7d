"""The table of what differs by OpenClaw release: complete, in order, and the only place that names a release."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from lockdeck.backend.model.locks import Verdict
from lockdeck.backend.model.releases.exposure import exposure_notes
from lockdeck.backend.model.releases.lookup import (
    NEWEST,
    Coverage,
    coverage_of,
    last_before,
    nearest_below,
    traits_of,
)
from lockdeck.backend.model.releases.reclaim import reclaim_sentences
from lockdeck.backend.model.releases.table import RELEASES, TRAITS, Traits
from lockdeck.backend.model.releases.trait import Basis, Reading, Trait, in_words, since
from lockdeck.backend.model.releases.version import Version

HOUSE = Path(__file__).parents[3]


def at(text: str) -> Version:
    version = Version.parse(text)
    assert version is not None
    return version


@pytest.mark.parametrize("name", TRAITS)
def test_a_trait_says_what_it_means_and_how_each_value_is_known(name: str) -> None:
    trait = TRAITS[name]
    assert trait.group
    assert 0 < len(trait.title) <= 39, "it stands in a column"
    assert trait.meaning.endswith((".", ")"))
    firsts = [reading.since for reading in trait.readings]
    assert firsts == sorted(set(firsts)), "oldest first, each release once"
    assert all(isinstance(reading.basis, Basis) for reading in trait.readings)
    assert all(reading.words or in_words(name, reading.value) for reading in trait.readings)


@pytest.mark.parametrize("name", TRAITS)
def test_a_new_reading_brings_a_new_value_or_a_better_basis(name: str) -> None:
    readings = TRAITS[name].readings
    for before, after in itertools.pairwise(readings):
        assert (before.value, before.basis) != (after.value, after.basis)


@pytest.mark.parametrize("name", TRAITS)
def test_every_release_has_every_trait(name: str) -> None:
    for release in RELEASES:
        assert getattr(traits_of(release.version), name) == TRAITS[name].value_in(release.version)


def test_releases_stand_in_their_order() -> None:
    versions = [release.version for release in RELEASES]
    assert versions == sorted(set(versions))


def test_a_value_holds_from_its_release_on() -> None:
    trait = Trait[int]("g", "t", "m.", (since("2026.4.5", 1, Basis.SEEN), since("2026.5.7", 2, Basis.READ)))
    releases = ("2026.2.9", "2026.4.5", "2026.5.7-beta.1", "2026.5.7", "2026.5.7-2", "2030.1.0")
    assert [trait.value_in(at(release)) for release in releases] == [1, 1, 1, 2, 2, 2]
    assert trait.reading_in(at("2026.9.6")) == Reading(at("2026.5.7"), 2, Basis.READ)


def test_a_release_that_is_not_known_is_read_with_care() -> None:
    unknown = traits_of(None)
    assert unknown.idle_timeout_s == traits_of(at("2026.4.5")).idle_timeout_s
    assert unknown.rotates_under_lock
    assert unknown.cancel_ladder == (), "the wrong call does harm"


def test_a_release_newer_than_any_counts_as_the_newest() -> None:
    newer = traits_of(at("2027.1.1"))
    assert all(getattr(newer, name) == getattr(NEWEST, name) for name in TRAITS)
    assert coverage_of(at("2027.1.1")) is Coverage.NEWER


@pytest.mark.parametrize(
    ("text", "coverage", "nearest"),
    [
        ("2026.1.1", Coverage.OLDER, "2026.2.9"),
        ("2026.4.5", Coverage.RUN, "2026.4.5"),
        ("2026.4.8", Coverage.READ, "2026.4.8"),
        ("2026.4.12", Coverage.PARTLY_READ, "2026.4.12"),
        ("2026.4.13", Coverage.BETWEEN, "2026.4.12"),
        ("2026.10.1", Coverage.NEWER, "2026.9.6"),
    ],
)
def test_a_release_says_how_well_it_is_known_itself(text: str, coverage: Coverage, nearest: str) -> None:
    assert coverage_of(at(text)) is coverage
    assert nearest_below(at(text)) == at(nearest)


def test_the_last_release_before_another_was_looked_at_as_a_whole() -> None:
    assert last_before(at("2026.5.28")) == at("2026.5.18")


@pytest.mark.parametrize(
    ("text", "wait_s", "idle_s", "run_s"),
    [
        ("2026.3.13", 10, 60, 600),
        ("2026.4.5", 10, 60, 172_800),
        ("2026.4.12", 10, 60, 172_800),
        ("2026.4.15", 10, 120, 172_800),
        ("2026.4.29", 10, 120, 172_800),
        ("2026.5.7", 60, 120, 172_800),
        ("2026.7.35", 60, 120, 172_800),
        ("2026.8.1", None, 120, 172_800),
    ],
)
def test_timeouts_follow_the_release(text: str, wait_s: float | None, idle_s: float, run_s: float) -> None:
    traits = traits_of(at(text))
    assert (traits.lock_wait_s, traits.idle_timeout_s, traits.run_timeout_s) == (wait_s, idle_s, run_s)


@pytest.mark.parametrize(
    ("text", "cascade", "files"),
    [
        ("2026.2.9", True, True),
        ("2026.5.18", True, True),
        ("2026.5.19", False, True),
        ("2026.7.35", False, True),
        ("2026.8.1", False, False),
        ("2026.9.6", False, False),
    ],
)
def test_exposure_follows_the_release(text: str, cascade: bool, files: bool) -> None:
    traits = traits_of(at(text))
    assert traits.lock_timeout_cascades is cascade
    assert traits.rotates_under_lock is files
    assert traits.reclaims_dead is files
    assert traits.session_store == ("files" if files else "sqlite")


def test_an_abort_stands_on_the_ladder_only_where_it_ends_the_rotation() -> None:
    for release in RELEASES:
        traits = traits_of(release.version)
        assert ("abort" in traits.cancel_ladder) is traits.abort_ends_rotation
        assert ("stop" in traits.cancel_ladder) is not traits.abort_knows_agent_runs
        assert "stop" not in traits.cancel_ladder or traits.stop_command_works


def test_the_notes_on_exposure_name_the_release_and_the_first_that_is_better() -> None:
    releases = ("2026.4.5", "2026.5.19", "2026.7.35", "2026.9.6")
    notes = {release: " ".join(exposure_notes(at(release))) for release in releases}
    assert "openclaw#62351); 2026.8.1 is the first without lock files" in notes["2026.4.5"]
    assert "openclaw#66646); 2026.5.19 is the first that does not" in notes["2026.4.5"]
    assert "openclaw#66646" not in notes["2026.5.19"]
    assert "from 2026.7.1 on only the idle timeout rotates" in notes["2026.7.35"]
    assert notes["2026.9.6"] == ""


def test_what_openclaw_does_with_a_lock_left_behind_is_said_from_the_table() -> None:
    (dead,), (recycled,) = reclaim_sentences(Verdict.DEAD), reclaim_sentences(Verdict.RECYCLED)
    (unreadable,), leaked = reclaim_sentences(Verdict.UNREADABLE), reclaim_sentences(Verdict.LEAKED)
    assert "of every version up to 2026.7 reclaims" in dead
    assert "from 2026.3.13" in recycled
    assert "without one (2026.2.9, macOS)" in recycled
    assert (
        "30 minutes (2026.3.13 to 2026.4.24), 5 s (2026.4.29 to 2026.5.28) or 30 s (from 2026.6.11), "
        "and a gateway up to 2026.5.18 at its start"
    ) in unreadable
    assert "up to 2026.4.29 on Linux" in leaked[0]
    assert "versions up to 2026.5.7" in leaked[1]
    assert reclaim_sentences(Verdict.HELD) == ()


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("x", None, "none"),
        ("x", True, "yes"),
        ("x", False, "no"),
        ("x", 3, "3"),
        ("x", ("a", "b"), "a, b"),
        ("x_s", 172_800.0, "2d 00h"),
    ],
)
def test_values_are_said_in_words(name: str, value: object, words: str) -> None:
    assert in_words(name, value) == words


def test_a_reading_of_no_release_is_refused() -> None:
    with pytest.raises(ValueError, match="no release"):
        since("latest", 1, Basis.SEEN)


RELEASE_NAME = re.compile(r"\b20\d\d\.\d{1,2}(?:\.\d{1,3})?\b")
ONLY_PLACE = "backend/model/releases/"
PLAYS_ONE = {"backend/simulate/cast.py", "backend/simulate/rpc.py"}
"""The simulated gateway is one release: it names which."""
ORDERED = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)


def modules() -> Iterator[tuple[str, ast.Module]]:
    for room in ("backend", "tui", "themes"):
        for path in sorted((HOUSE / room).rglob("*.py")):
            name = path.relative_to(HOUSE).as_posix()
            if not name.startswith(ONLY_PLACE):
                yield name, ast.parse(path.read_text())


def faults_of(tree: ast.Module) -> Iterator[tuple[int, str]]:
    notes = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in notes:
            if RELEASE_NAME.search(node.value):
                yield node.lineno, "names a release"
        elif isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "Version":
            yield node.lineno, "makes a version"
        elif isinstance(node, ast.Compare) and any(isinstance(op, ORDERED) for op in node.ops):
            if any("version" in ast.unparse(side).lower() for side in (node.left, *node.comparators)):
                yield node.lineno, "compares versions"
        elif isinstance(node, ast.Tuple) and _is_year_first(node):
            yield node.lineno, "names a release by its numbers"


def _is_year_first(node: ast.Tuple) -> bool:
    numbers = [part.value for part in node.elts if isinstance(part, ast.Constant)]
    whole = len(numbers) == len(node.elts) > 1 and all(type(number) is int for number in numbers)
    return whole and 2020 < numbers[0] < 2100


def test_only_the_table_of_releases_names_a_release_or_compares_versions() -> None:
    faults = {
        f"{name}:{line} {fault}"
        for name, tree in modules()
        if name not in PLAYS_ONE
        for line, fault in faults_of(tree)
    }
    assert faults == set()


@pytest.mark.parametrize(
    "line",
    [
        "ok = version >= FIRST",
        "ok = root.version < other",
        "first = Version(2026, 5, 7)",
        "first = releases.Version(2026, 5, 7)",
        "first = (2026, 5, 7)",
        "words = 'up to 2026.5.7'",
        "words = f'{n} s (seen on 2026.9.6)'",
        "words = 'from 2026.8 on'",
    ],
)
def test_a_release_named_elsewhere_is_found(line: str) -> None:
    assert list(faults_of(ast.parse(line)))


def test_docstrings_and_comments_may_name_the_source_of_a_fact() -> None:
    source = '"""Seen on 2026.4.5."""\nLIMIT = 5\n"""As in 2026.9.6."""\n# from 2026.8 on\n'
    assert list(faults_of(ast.parse(source))) == []


def test_a_trait_is_read_from_the_class_and_its_value_from_an_instance() -> None:
    assert Traits.protocol is TRAITS["protocol"]
    assert traits_of(at("2026.4.5")).protocol == 3
