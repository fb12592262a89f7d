"""State directories: discovery, configuration, era, places of locks."""
