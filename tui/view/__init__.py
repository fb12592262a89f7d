"""What people read, as lines made for a width. Pure."""
