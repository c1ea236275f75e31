"""Implements the ``refill`` commands, one per file; ``worker.cli`` only names them."""
