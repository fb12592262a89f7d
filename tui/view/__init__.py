"""Lines made for a width, for people to read. Pure."""
