"""Kaspr (https://docs.developers.kaspr.io): contact data by LinkedIn slug and name, in two generations of one API."""
