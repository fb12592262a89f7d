"""Frozen records and pure rules: no I/O, no clock, no globals."""
