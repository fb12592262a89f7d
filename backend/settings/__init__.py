"""lockdeck's own configuration: its records, loaded, checked, described and changed."""
