"""Ends a program whose test run was killed before it could end the program itself."""

from __future__ import annotations

import subprocess


class Survivor:
    """Kills a program as soon as this process is gone; waits for that as a process of its own."""

    def __init__(self, pid: int) -> None:
        # A pipe is closed however a process ends. In a session of its own, Ctrl+C does not reach the shell.
        self._shell = subprocess.Popen(
            ["sh", "-c", 'read -r _ || kill -9 "$1"', "sh", str(pid)], stdin=subprocess.PIPE, start_new_session=True
        )

    def release(self) -> None:
        """Ends the wait without a kill. The program has not been waited for yet, or its pid could be another's."""
        self._shell.communicate(b"\n")
