"""Wrappers that other programs put around OpenClaw's lines: recognised, taken off, their times kept as witnesses."""
