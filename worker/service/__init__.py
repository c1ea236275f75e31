"""Wires and runs one process: its parts, its jobs, its life."""
