"""Connects the five vendors' APIs, typed. Knows nothing of Redis, queues, settings or the command line."""
