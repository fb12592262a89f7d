"""The reasons to look again."""
