"""The carrier for fleets: hosts tell a NATS server what decks read there."""
