"""Holds what happens to one record, and to one delivered row: read, decide, buy, write, settle."""
