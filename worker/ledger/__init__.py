"""What is true, kept in Redis: work, tickets, answers, budgets, journal. One Lua script per step."""
