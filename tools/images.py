"""Pins the images of the Dockerfile, of compose.yaml and of the workflow to digests: ``name:tag@sha256:...``.

A tag is whatever its publisher puts under it today. The digest of each is asked of its registry, so this needs a
network; ``--check`` needs none and lists the images that are not pinned.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.error import HTTPError

from tools.closed_lock import ROOT

FILES = ("Dockerfile", "compose.yaml", ".github/workflows/ci.yml")
REGISTRY = "https://registry-1.docker.io"
ANSWER_S = 30
_KINDS = (
    "application/vnd.oci.image.index.v1+json",  # an index first: one digest for every platform
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
# An image of a registry has a tag: `image: refill` is built here.
_IMAGE = re.compile(r"^(FROM |\s+image: )([\w./-]+:[\w.-]+)(@sha256:[0-9a-f]{64})?(?=\s|$)", re.MULTILINE)
_ASKED = re.compile(r'(\w+)="([^"]*)"')


def unpinned(text: str) -> list[str]:
    """Returns the images of a file that go by their tag alone."""
    return list(dict.fromkeys(image for _, image, digest in _IMAGE.findall(text) if not digest))


def images(text: str) -> list[str]:
    """Returns the images of a file, pinned or not, by their tags."""
    return list(dict.fromkeys(image for _, image, _ in _IMAGE.findall(text)))


def pinned(text: str, digests: Mapping[str, str]) -> str:
    """Returns the file with every image at its digest."""
    return _IMAGE.sub(lambda found: f"{found[1]}{found[2]}@{digests[found[2]]}", text)


def digest_of(image: str, registry: str) -> str:
    """Asks the registry for the digest that a tag stands for now.

    Raises:
        OSError: it does not answer, or does not know the image.
        ValueError: it tells no digest.
    """
    name, _, tag = image.partition(":")
    name = name if "/" in name else f"library/{name}"
    url = f"{registry}/v2/{name}/manifests/{tag}"
    try:
        told = _head(url, {})
    except HTTPError as refused:
        if refused.code != 401:
            raise
        told = _head(url, {"authorization": f"Bearer {_token(refused.headers.get('www-authenticate', ''))}"})
    if not re.fullmatch(r"sha256:[0-9a-f]{64}", told):
        raise ValueError(f"no digest is told for {image}")
    return told


def _head(url: str, headers: Mapping[str, str]) -> str:
    request = urllib.request.Request(url, headers={"accept": ", ".join(_KINDS), **headers}, method="HEAD")  # noqa: S310
    with urllib.request.urlopen(request, timeout=ANSWER_S) as reply:  # noqa: S310 - the address is ours
        return str(reply.headers.get("docker-content-digest", ""))


def _token(challenge: str) -> str:
    """Gets the token that the registry wants to see, which it gives to anybody."""
    asked = dict(_ASKED.findall(challenge))
    query = urllib.parse.urlencode({name: asked[name] for name in ("service", "scope") if name in asked})
    with urllib.request.urlopen(f"{asked['realm']}?{query}", timeout=ANSWER_S) as reply:  # noqa: S310
        return str(json.load(reply)["token"])


def main(arguments: Sequence[str] | None = None) -> int:
    """Pins every image, or lists those that are not pinned; exit code 1 says that some are not."""
    parser = argparse.ArgumentParser(description="Pin the images to digests.")
    parser.add_argument("--check", action="store_true", help="only list what is not pinned")
    parser.add_argument("--registry", default=REGISTRY)
    parser.add_argument("--folder", type=Path, default=ROOT)
    given = parser.parse_args(arguments)
    texts = {file: (given.folder / file).read_text("utf-8") for file in FILES}
    if given.check:
        loose = [f"{file}: {image} goes by its tag\n" for file, text in texts.items() for image in unpinned(text)]
        sys.stderr.write("".join(loose))
        return 1 if loose else 0
    try:
        digests = {image: digest_of(image, given.registry) for text in texts.values() for image in images(text)}
    except (OSError, ValueError, KeyError) as error:
        sys.stderr.write(f"{given.registry} cannot be asked ({type(error).__name__}): nothing was pinned\n")
        return 1
    for file, text in texts.items():
        (given.folder / file).write_text(pinned(text, digests), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
