"""The preferences of a person about the dashboard, and their check."""
