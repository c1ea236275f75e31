"""Keeps the records that are due, leased, waiting or dead, and the memory of settled ones."""
