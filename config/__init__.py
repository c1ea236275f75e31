"""Loads settings from refill.toml and the environment, the canonical fields, and logs."""
