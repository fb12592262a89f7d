"""The state machine of the dashboard: a fleet that goes on, a hand that types, an eye that reads what is painted."""
