"""The race test: OpenClaw's own lock rules against lockdeck's release, with the kernel as the judge."""
