"""The proxies of docs/exposing.md, as they stand there but for ports, files and the name."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
NAME = "refill.acme.com"
UPSTREAM = "127.0.0.1:8080"


def example(language: str) -> str:
    """The example in the page's one block of ``language``."""
    page = (ROOT / "docs" / "exposing.md").read_text(encoding="utf-8")
    (found,) = re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)
    return str(found)


def program(name: str) -> str | None:
    """The binary to test with: ``REFILL_TEST_NGINX`` or ``REFILL_TEST_CADDY``, else the one on the PATH."""
    path = os.pathsep.join((os.environ["PATH"], "/usr/local/sbin", "/usr/sbin"))
    return os.environ.get(f"REFILL_TEST_{name.upper()}") or shutil.which(name, path=path)


def replaced(text: str, **parts: str) -> str:
    """``text`` with each part of it, which it must have, as the test needs it."""
    for old, new in parts.items():
        assert old in text, f"the example has no {old}"
        text = text.replace(old, new)
    return text


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy, and the language of its example."""

    name: str
    language: str

    def configure(self, folder: Path, port: int, upstream: str, pem: Path) -> list[str]:
        """Writes the configuration into ``folder``; ``pem`` is certificate and key. Returns the arguments."""
        text = example(self.language).replace(UPSTREAM, upstream)
        if self.name == "nginx":
            text = replaced(
                text,
                **{
                    "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
                    f"/etc/ssl/{NAME}.pem": str(pem),
                    f"/etc/ssl/{NAME}.key": str(pem),
                    "/var/log/nginx/refill.log": str(folder / "refill.log"),
                },
            )
            places = "".join(
                f"{kind}_temp_path {folder / kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
            )
            file = folder / "nginx.conf"
            file.write_text(
                f"pid {folder / 'pid'};\nerror_log {folder / 'error.log'};\ndaemon off;\n"
                f"events {{}}\nhttp {{\n{places}{text}}}\n"
            )
            return ["-p", str(folder), "-c", str(file), "-e", str(folder / "error.log")]
        text = replaced(
            text,
            **{
                "{\n\tlog {": "{\n\tadmin off\n\tauto_https disable_redirects\n\tlog {",
                f"{NAME} {{": f"https://{NAME}:{port} {{\n\tbind 127.0.0.1\n\ttls {pem} {pem}",
            },
        )
        file = folder / "Caddyfile"
        file.write_text(text)
        return ["run", "--adapter", "caddyfile", "--config", str(file)]


NGINX, CADDY = Proxy("nginx", "nginx"), Proxy("caddy", "caddyfile")
