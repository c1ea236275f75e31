"""Holds what tests play with: imitated vendors, a Redis, workers, waiting, and the books of both sides."""
