"""States of sessions: facts, stuck rules, blocked callers, ownership."""
