"""Tells people and monitors where everything stands."""
