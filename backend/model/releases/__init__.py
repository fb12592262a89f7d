"""Differences between OpenClaw releases: the one place that names a release and compares versions."""
