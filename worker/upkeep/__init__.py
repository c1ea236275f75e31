"""Looks after what nobody waits for: books, clocks, archives, erasures."""
