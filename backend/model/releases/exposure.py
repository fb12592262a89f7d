"""Sentences on the known failures of a release, and on the first that behaves better."""

from __future__ import annotations

from collections.abc import Iterator

from lockdeck.backend.model.releases.lookup import traits_of
from lockdeck.backend.model.releases.table import Traits
from lockdeck.backend.model.releases.version import Version


def exposure_notes(version: Version) -> Iterator[str]:
    """Say in sentences to which known failures a gateway of this version is exposed, and what is better."""
    traits = traits_of(version)
    if traits.rotates_under_lock:
        yield (
            f"{version} rotates through every profile and model under the session lock when a provider hangs "
            f"(openclaw#62351); {Traits.rotates_under_lock.since(False)} is the first without lock files"
        )
        if traits.run_timeout_ends_run:
            first = Traits.run_timeout_ends_run.since(True)
            yield f"from {first} on only the idle timeout rotates, the run timeout ends the run"
    if traits.lock_timeout_cascades:
        yield (
            f"{version} takes a lock timeout for a model failure and tries it on every candidate "
            f"(openclaw#66646); {Traits.lock_timeout_cascades.since(False)} is the first that does not"
        )
