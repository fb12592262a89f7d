"""Fixtures for tests against a real OpenClaw. Every test in this folder is marked `live`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.live.install import InstallError, Release, install
from tests.live.instance import Instance

HERE = Path(__file__).parent
TEST_SECONDS = 600  # includes installing from the registry

InstanceMaker = Callable[..., Instance]


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", "live: runs a real OpenClaw on loopback (slow; installs it first)")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what lives here, and give it the time an installation takes unless it asks for its own."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.live)
            if item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(TEST_SECONDS))


@pytest.fixture(scope="session")
def openclaw() -> Callable[[str], Release]:
    """`openclaw("2026.4.5")`: that release, installed when needed.

    Not to be had (no npm, no registry): the test is skipped with the reason, and fails where CI is set.
    """

    def release(version: str) -> Release:
        try:
            return install(version)
        except InstallError as error:
            reason = f"OpenClaw {version} is not to be had: {error}"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)

    return release


@pytest.fixture(scope="module")
def make_instance(
    openclaw: Callable[[str], Release], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[InstanceMaker]:
    """`make_instance("2026.4.5", run_timeout=6)`: a started instance, ended after the module's last test.

    Keywords are those of `Instance`.
    """
    made: list[Instance] = []

    def make(version: str, **options: Any) -> Instance:
        instance = Instance(openclaw(version), tmp_path_factory.mktemp(f"openclaw-{version}-"), **options)
        made.append(instance)
        return instance.start()

    yield make
    for instance in made:
        instance.close()
