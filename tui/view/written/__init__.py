"""What was written about one session, in lines: its log, and its transcript's shape."""
