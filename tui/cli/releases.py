"""`lockdeck releases`: what differs by OpenClaw release, how that is known, and the failover policy with its fix."""

from __future__ import annotations

from typing import Any

import click

from lockdeck.backend.model.policytable import PolicyRow, Steps, TruthRow, policy_rows, truth_table
from lockdeck.backend.model.releases.exposure import exposure_notes
from lockdeck.backend.model.releases.lookup import NEWEST, coverage_of, nearest_below, traits_of
from lockdeck.backend.model.releases.table import RELEASES, TRAITS
from lockdeck.backend.model.releases.trait import CAREFUL, Reading, Trait
from lockdeck.backend.model.releases.version import Version
from lockdeck.backend.model.wire import SCHEMA, dumps
from lockdeck.tui.cli.options import Common, common_options, json_option
from lockdeck.tui.cli.output import emit
from lockdeck.tui.exits import Exit
from lockdeck.tui.view.releases import coverage_sentence, release_lines, table_lines, value_words


@click.command("releases")
@click.argument("version", required=False, metavar="[VERSION]")
@json_option
@common_options
def command(common: Common, version: str | None, as_json: bool) -> int:  # noqa: ARG001 - as every command
    """Print what lockdeck knows of each OpenClaw release, and how it knows."""
    return print_releases(version, as_json)


def print_releases(release: str | None, as_json: bool) -> Exit:
    """Print the whole table, or what holds in one release; click.UsageError for what is no version."""
    version = None if release is None else Version.parse(release)
    if release is not None and version is None:
        raise click.UsageError(f"{release} is no version of OpenClaw; write it like {NEWEST.version}")
    if as_json:
        emit(dumps(_table_json() if version is None else _release_json(version), indent=2))
        return Exit.OK
    for line in table_lines() if version is None else release_lines(version):
        emit(line)
    return Exit.OK


def _table_json() -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "releases": [
            {"version": str(release.version), "coverage": coverage_of(release.version).value}
            for release in RELEASES
        ],
        "traits": [
            {
                **_trait_json(name, trait),
                "unknown": _json_value(name, trait.value_in(None)),
                "readings": [_reading_json(name, reading) for reading in trait.readings],
            }
            for name, trait in TRAITS.items()
        ],
        "policy": _policy_json(CAREFUL),
    }


def _release_json(version: Version) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "version": str(version),
        "coverage": coverage_of(version).value,
        "asIn": str(nearest_below(version)),
        "sentence": coverage_sentence(version),
        "exposures": list(exposure_notes(version)),
        "traits": [
            {
                **_trait_json(name, trait),
                **_reading_json(name, trait.reading_in(version)),
            }
            for name, trait in TRAITS.items()
        ],
        "policy": _policy_json(version),
    }


def _trait_json(name: str, trait: Trait[Any]) -> dict[str, Any]:
    return {
        "name": _json_name(name),
        "group": trait.group,
        "title": trait.title,
        "meaning": trait.meaning,
    }


def _reading_json(name: str, reading: Reading[Any]) -> dict[str, Any]:
    return {
        "from": str(reading.since),
        "value": _json_value(name, reading.value),
        "words": value_words(name, reading),
        "basis": reading.basis.value,
    }


def _json_name(name: str) -> str:
    """Return the name of a trait as JSON has it: `idle_timeout_s` is `idleTimeoutMs`."""
    first, *rest = (f"{name.removesuffix('_s')}_ms" if name.endswith("_s") else name).split("_")
    return first + "".join(word.capitalize() for word in rest)


def _json_value(name: str, value: Any) -> Any:
    if name.endswith("_s") and value is not None:
        return round(value * 1000)
    return [str(part) for part in value] if isinstance(value, tuple) else value


def _policy_json(version: Version) -> dict[str, Any]:
    traits = traits_of(version)
    return {
        "version": str(version),
        "fix": "openclaw#62351",
        "rows": [_row_json(row) for row in policy_rows(traits)],
        "truthTable": [_truth_json(row) for row in truth_table(traits)],
    }


def _row_json(row: PolicyRow) -> dict[str, Any]:
    return {
        "stage": row.stage,
        "ending": row.ending,
        "before": _steps_json(row.shipped),
        "after": _steps_json(row.fixed),
    }


def _steps_json(steps: Steps) -> dict[str, str]:
    return {
        "profileLeft": steps.profile_left.value,
        "modelLeft": steps.model_left.value,
        "nothingLeft": steps.nothing_left.value,
    }


def _truth_json(row: TruthRow) -> dict[str, Any]:
    ending = row.ending
    return {
        "timedOut": ending.timed_out,
        "duringCompaction": ending.during_compaction,
        "reason": ending.reason,
        "aborted": ending.aborted,
        "failoverFailure": ending.failover_failure,
        "shipped": row.shipped,
        "fix": row.fix,
        "sketch": row.sketch,
    }
