"""Thousands of asks whose connections are cut, and whose agents are killed, at every step."""
