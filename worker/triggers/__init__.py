"""Finds the records that are due: polls, backfills, sweeps, OpenProspect's deliveries."""
