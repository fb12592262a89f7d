"""The columns of each table: one record for each column, and nothing about it anywhere else. Pure."""
