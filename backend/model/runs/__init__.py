"""Runs and their attempts: events folded into rotations, with forecast."""
