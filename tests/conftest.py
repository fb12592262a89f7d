"""What holds for every test."""

from __future__ import annotations

import signal

from hypothesis import HealthCheck, settings

pytest_plugins = ("tests.watchdog", "tests.progress")

# A busy machine is no failure: nothing here is a timed test.
_PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("same", _PATIENT, derandomize=True, database=None)
settings.register_profile("explore", _PATIENT, max_examples=1000, print_blob=True)
settings.load_profile("same")

# A shell has its background ignore SIGINT, and what tests start would ignore it too.
signal.signal(signal.SIGINT, signal.default_int_handler)
