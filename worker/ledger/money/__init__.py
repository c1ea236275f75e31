"""Keeps tickets, answers, budgets, books and creations: everything that may happen only once."""
