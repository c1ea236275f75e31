"""Provider calls that a person asks for: the same tickets, budgets and kept answers as a visit's, without a record."""
