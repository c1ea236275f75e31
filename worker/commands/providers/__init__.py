"""Implements ``refill forager|kaspr|openprospect ...``: every operation of a provider, by hand."""
