"""The live word of gateways on their sessions."""
