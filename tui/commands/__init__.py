"""One class per command."""
