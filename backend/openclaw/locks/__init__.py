"""Lock files of sessions and gateways, and the evidence about them."""
