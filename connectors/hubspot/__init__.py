"""Reads and writes HubSpot as a system of record, by its 2026-09 and v3 paths."""
