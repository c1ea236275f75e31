"""Keeps the truth in Redis: work, tickets, answers, budgets, journal. One Lua script per step."""
