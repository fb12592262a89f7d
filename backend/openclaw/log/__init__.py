"""OpenClaw's logs: from bytes to typed events."""
