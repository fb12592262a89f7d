"""Rows and columns of the tables: cells, filter, order, marks. Pure."""
