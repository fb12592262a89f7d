"""What gateways tell of their sessions, live."""
