"""The budgets of one root: what its files may cost us. Past one of them the root is unseen, and the others go on.

A root may be broken or hostile, and one process watches many.
"""

from __future__ import annotations

CONFIG_BYTES = 2 << 20
"""The config with all its includes and variable files; each reading of a file counts."""
CONFIG_INCLUDES = 32
CONFIG_DEPTH = 64
"""How deep objects and lists may be nested, includes put in."""
CONFIG_VALUES = 100_000
"""Objects, lists and single values in a config, includes put in; real ones have some hundreds."""
CONFIG_VARIABLES = 4096
"""How often a config may use `${NAME}`."""
CONFIG_EXPANDED_BYTES = 1 << 20
"""Characters that all the values of variables in a config may have together."""
CONFIG_NOTES = 16
"""So many variables and includes that are missing are named; the others are counted."""
STORE_BYTES = 64 << 20
"""A session store larger than this is not read; 10,000 sessions with their snapshots were seen to need 50 MB."""
STORE_ENTRIES = 120_000
"""Sessions in all stores of one root; 100,000 are watched in linear time, a picture of each costs some 5 KB."""
STORE_KEYS = 2_000_000
"""Keys, nested ones too, in one store: so many are counted before anything is built of them."""


class BudgetError(ValueError):
    """A budget is used up; the message says which, of what."""
