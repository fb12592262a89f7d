"""Logs followed and replayed."""
