"""What can be said of the image and the composition without building them."""

from __future__ import annotations

import fnmatch
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from config.load import load
from tests.unit.config.samples import SMALL, SMALL_SECRETS

ROOT = Path(__file__).parents[2]


def instructions() -> list[tuple[str, str]]:
    text = re.sub(r"^\s*#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", " ", text).splitlines()
    return [(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1]) for line in lines if line.strip()]


def given(name: str) -> list[str]:
    return [value for instruction, value in instructions() if instruction == name]


def composition() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
    return loaded


SERVICES: dict[str, Any] = composition()["services"]
OURS = sorted(set(SERVICES) - {"redis"})


def test_image_is_built_in_stages_from_named_releases() -> None:
    bases = given("FROM")
    assert len(bases) == 2
    for base in bases:
        assert re.match(r"python:3\.1[12]-slim-\w+", base), "a release of an image, never latest"


def test_image_runs_as_nobody_special_with_one_place_to_write() -> None:
    assert given("USER") == ["10001:10001"]
    assert given("VOLUME") == ["/data"]
    names = [name for name, _ in instructions()]
    assert names.index("USER") < names.index("ENTRYPOINT")
    assert "ADD" not in names
    assert "REFILL_DATA_DIR=/data" in given("ENV")[0]


def test_image_installs_locked_packages_and_nothing_else() -> None:
    commands = [command for run in given("RUN") for command in run.split("&&")]
    installs = [command for command in commands if "pip install" in command]
    assert len(installs) == 2
    for command in installs:
        assert "--no-deps --require-hashes" in command or "--no-deps --no-build-isolation" in command
        assert "--no-cache-dir" in command
    (packages,) = [command for command in commands if "apt-get install" in command]
    assert "-y --no-install-recommends" in packages
    assert any("rm -rf /var/lib/apt/lists" in command for command in commands)
    assert not any("curl" in command or "wget" in command for command in commands)


def test_image_tells_how_it_is() -> None:
    (check,) = given("HEALTHCHECK")
    assert "/healthz" in check
    assert given("ENTRYPOINT") == ['["refill"]']


def test_everything_that_is_copied_is_there_and_not_ignored() -> None:
    kept = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    copied = [source for value in given("COPY") if not value.startswith("--from") for source in value.split()[:-1]]
    assert sorted(copied) == sorted(kept)
    assert all((ROOT / source).exists() for source in copied)


@pytest.mark.parametrize(
    "name", [".env", "refill.toml", ".git/config", ".refill/redis/appendonly.aof", ".venv/bin/python"]
)
def test_secrets_and_data_never_enter_the_image(name: str) -> None:
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert rules[0] == "*"
    assert not any(fnmatch.fnmatch(name.partition("/")[0], rule[1:]) for rule in rules if rule.startswith("!"))


def test_redis_of_the_composition_forgets_and_evicts_nothing() -> None:
    redis = SERVICES["redis"]
    words = redis["command"][1:]
    options = dict(zip(words[::2], words[1::2], strict=True))
    socket = SERVICES["web"]["environment"]["REFILL_REDIS__URL"].removeprefix("unix://")
    assert options == {
        "--port": "0",  # without a password, so nobody may reach it over the network
        "--unixsocket": socket,
        "--unixsocketperm": "777",
        "--appendonly": "yes",
        "--appendfsync": "always",
        "--maxmemory-policy": "noeviction",
        "--save": "",
    }
    assert "ports" not in redis
    assert any(volume.endswith(":/data") for volume in redis["volumes"])
    assert redis["healthcheck"]["test"][-1] == "ping"
    assert int(re.match(r"valkey/valkey:(\d+)", redis["image"])[1]) >= 7  # type: ignore[index]  # no match is a failure


def test_composition_has_a_web_process_and_two_workers_that_wait_for_redis() -> None:
    commands = [SERVICES[name]["command"] for name in OURS if "profiles" not in SERVICES[name]]
    assert sorted(commands) == [["web"], ["worker"], ["worker"]]
    for name in OURS:
        if "profiles" not in SERVICES[name]:
            assert SERVICES[name]["depends_on"]["redis"]["condition"] == "service_healthy"
    places = [SERVICES[name]["environment"]["REFILL_DATA_DIR"] for name in OURS if "environment" in SERVICES[name]]
    assert len(set(places)) == len(places) == 3


@pytest.mark.parametrize("name", OURS)
def test_every_process_is_confined_and_has_time_to_drain(name: str, tmp_path: Path) -> None:
    service = SERVICES[name]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    (tmp_path / "refill.toml").write_text(SMALL)
    grace = load(tmp_path / "refill.toml", SMALL_SECRETS).worker.grace
    assert int(service["stop_grace_period"].removesuffix("s")) >= grace.total_seconds() + 10


def test_only_web_ports_are_published_and_only_to_this_machine() -> None:
    published = {name: SERVICES[name]["ports"] for name in SERVICES if "ports" in SERVICES[name]}
    assert published == {"web": ["127.0.0.1:8080:8080"], "sandbox": ["127.0.0.1:8081:8080"]}


def test_variables_of_the_composition_are_known_and_no_secrets(tmp_path: Path) -> None:
    (tmp_path / "refill.toml").write_text(SMALL)
    for name in OURS:
        environ = SERVICES[name].get("environment", {})
        load(tmp_path / "refill.toml", SMALL_SECRETS | environ)
        assert not any(word in key for key in environ for word in ("KEY", "TOKEN", "SECRET", "PASSWORD"))


def test_sandbox_is_there_when_it_is_asked_for_and_speaks_http_on_loopback_only() -> None:
    asked_for = {name: service for name, service in SERVICES.items() if "profiles" in service}
    assert all(service["profiles"] == ["sandbox"] for service in asked_for.values())
    assert {service["command"][0] for service in asked_for.values()} == {"sandbox", "up"}
    assert SERVICES["sandbox-up"]["network_mode"] == "service:sandbox"
    assert "network_mode" not in SERVICES["sandbox"]
