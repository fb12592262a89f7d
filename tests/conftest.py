"""What holds for every test."""

from __future__ import annotations

import signal

from hypothesis import HealthCheck, settings

# A busy machine is no failure: nothing here is a timed test.
settings.register_profile("lockdeck", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("lockdeck")

# A shell has its background ignore SIGINT, and what tests start would ignore it too.
signal.signal(signal.SIGINT, signal.default_int_handler)
