"""Stands in for ``redis-cli`` on a machine without one: ``-u URL`` and a command, or ``--rdb FILE``."""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from urllib.parse import urlsplit


def main() -> int:
    _, url, *words = sys.argv[1:]
    place = urlsplit(url)
    try:
        with socket.create_connection((place.hostname or "", place.port or 6379), timeout=30) as link:
            reader = link.makefile("rb")
            if words[0] == "--rdb":
                link.sendall(b"SYNC\r\n")
                while not (head := reader.readline()).strip():  # the server breathes while it writes the file
                    pass
                Path(words[1]).write_bytes(reader.read(int(head[1:])))
            else:
                link.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w.encode()) for w in words))
                head = reader.readline()
                body = reader.read(int(head[1:])) if head.startswith(b"$") else head[1:]
                sys.stdout.write(body.decode().strip() + "\n")
    except (ConnectionError, TimeoutError) as error:
        sys.stderr.write(f"Could not connect to Redis: {type(error).__name__}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
