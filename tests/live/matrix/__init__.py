"""lockdeck beside every release: scenarios, an observer that shares no code with lockdeck, and the table they make."""
