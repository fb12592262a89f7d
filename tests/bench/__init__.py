"""How fast lockdeck is, measured against its budgets: `python -m tests.bench`."""
