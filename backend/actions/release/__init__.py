"""Release one stale session lock; `release.py` is the order of its acts."""
