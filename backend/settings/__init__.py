"""lockdeck's own configuration: read, checked, described, changed."""
