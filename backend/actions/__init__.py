"""What changes the world: each action plans, proves, acts, verifies, records."""
