"""Keeps what was done: the journal, figures, proposals, signals, erasures."""
