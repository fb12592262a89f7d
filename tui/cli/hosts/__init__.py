"""The commands on other hosts."""
