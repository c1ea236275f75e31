"""Makes provider calls that a person asks for.

The same tickets, budgets and kept answers as a visit's, without a record.
"""
