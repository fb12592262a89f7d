"""The actions, which alone change the world: each plans, proves, acts, verifies, records."""
