"""Everything that knows OpenClaw's formats and protocol, and nothing else does."""
