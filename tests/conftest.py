"""What holds for every test."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# A busy machine is no failure: nothing here is a timed test.
settings.register_profile("lockdeck", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("lockdeck")
