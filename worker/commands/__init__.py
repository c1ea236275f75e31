"""Holds what each ``refill`` command does; ``worker.cli`` only names them."""
