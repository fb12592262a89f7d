"""Where the repository keeps what tests read."""

from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
DOCS = REPOSITORY / "docs"
RECORDINGS = REPOSITORY / "tests" / "recordings"
"""Logs, transcripts and lock events of real gateways, one folder a scenario."""
LIVE_RECORDINGS = REPOSITORY / "tests" / "live" / "recordings"
"""Logs that the tests against real gateways left."""
