"""Keeps the records that are due, leased, waiting or dead, and what is remembered of the settled."""
