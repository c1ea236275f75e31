"""Keeps input from outside: announced records, requests, deliveries, the CRMs' own identities."""
