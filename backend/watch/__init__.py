"""I/O into snapshots."""
