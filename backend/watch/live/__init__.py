"""Logs that come by themselves: from a pipe, or from a command that we run."""
