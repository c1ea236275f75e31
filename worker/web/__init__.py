"""Serves the web process: health, readiness and figures of everything that works on the same Redis."""
