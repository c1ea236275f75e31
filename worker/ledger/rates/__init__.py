"""Keeps when something may happen next: limits, pauses, clocks, the timetable, cursors."""
