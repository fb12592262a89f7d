"""Hosts: what one machine tells another of its fleet, and how a deck follows it."""
