"""The screens of what was written about one session: its log, and its transcript's shape."""
