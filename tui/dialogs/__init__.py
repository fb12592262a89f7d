"""Dialogs: they show what an action would do, and ask in proportion to its danger."""
