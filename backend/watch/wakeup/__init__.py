"""When to look again, and where."""
