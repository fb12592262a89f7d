"""Orders that are kept while single things come, change and go."""
