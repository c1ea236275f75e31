"""Keeps the record of all actions: the journal, figures, proposals, signals, erasures."""
