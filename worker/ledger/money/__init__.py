"""Keeps tickets, answers, budgets, books and creations: whatever may happen only once."""
