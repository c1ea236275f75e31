"""The images can be pinned to digests where a registry answers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tools.closed_lock import ROOT
from tools.images import FILES, images, main, pinned, unpinned

ONE, TWO = "sha256:" + "1" * 64, "sha256:" + "2" * 64
DIGESTS = {"/v2/library/python/manifests/3.12-slim": ONE, "/v2/valkey/valkey/manifests/8": TWO}


@pytest.fixture
def registry() -> Iterator[str]:
    """A registry that wants its own token first."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            allowed = self.headers["authorization"] == "Bearer given"
            digest = DIGESTS.get(self.path, "")
            self.send_response((200 if digest else 404) if allowed else 401)
            if not allowed:
                self.send_header("www-authenticate", f'Bearer realm="{url}/token",service="here",scope="pull"')
            elif "image.index" in self.headers["accept"]:
                self.send_header("docker-content-digest", digest)
            self.end_headers()

        def do_GET(self) -> None:
            assert self.path == "/token?service=here&scope=pull"
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"token": "given"}')

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield url
    server.shutdown()
    server.server_close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "Dockerfile").write_text("FROM python:3.12-slim AS build\nRUN x\n\nFROM python:3.12-slim\n")
    (tmp_path / ".github" / "workflows").mkdir(parents=True)
    (tmp_path / ".github" / "workflows" / "ci.yml").write_text("jobs:\n")
    (tmp_path / "compose.yaml").write_text("x:\n  image: refill\nservices:\n  redis:\n    image: valkey/valkey:8\n")
    return tmp_path


def test_every_image_is_pinned_and_pinned_anew(folder: Path, registry: str) -> None:
    assert main(["--check", "--folder", str(folder)]) == 1
    for _ in range(2):
        assert main(["--folder", str(folder), "--registry", registry]) == 0
        made = (folder / "Dockerfile").read_text()
        assert made == f"FROM python:3.12-slim@{ONE} AS build\nRUN x\n\nFROM python:3.12-slim@{ONE}\n"
        assert f"    image: valkey/valkey:8@{TWO}\n" in (folder / "compose.yaml").read_text()
        assert "  image: refill\n" in (folder / "compose.yaml").read_text()
    assert main(["--check", "--folder", str(folder)]) == 0


def test_an_image_that_the_registry_does_not_know_pins_nothing(folder: Path, registry: str) -> None:
    (folder / "compose.yaml").write_text("    image: valkey/valkey:7\n")
    before = (folder / "Dockerfile").read_text()
    assert main(["--folder", str(folder), "--registry", registry]) == 1
    assert (folder / "Dockerfile").read_text() == before


def test_the_projects_images_are_pinned_and_can_be_pinned_anew() -> None:
    assert main(["--check"]) == 0
    found = {file: images((ROOT / file).read_text("utf-8")) for file in FILES}
    assert all(found.values())
    for file, names in found.items():
        text = pinned((ROOT / file).read_text("utf-8"), dict.fromkeys(names, ONE))
        assert unpinned(text) == []
        assert text.count(ONE) >= len(names)
