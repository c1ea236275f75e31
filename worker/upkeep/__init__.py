"""Does the periodic duties: books, clocks, archives, erasures."""
