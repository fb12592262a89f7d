"""The demo fleet: real processes, real lock files, real log lines."""
