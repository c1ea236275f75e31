"""Image and composition keep their promises, as far as their files tell without a build."""

from __future__ import annotations

import fnmatch
import re
import tomllib
from collections.abc import Sequence
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from config.load import load
from tests.harness.containers import ROOT, commands, composition, copied, given, instructions
from tests.unit.config.samples import SMALL, SMALL_SECRETS

SERVICES: dict[str, Any] = composition()["services"]
OURS = sorted(set(SERVICES) - {"redis"})


def test_image_is_built_in_stages_from_named_releases() -> None:
    bases = given("FROM")
    assert len(bases) == 2
    for base in bases:
        assert re.match(r"python:3\.1[12]-slim-\w+", base), "a release of an image, never latest"


def test_every_image_goes_by_its_digest() -> None:
    """Each base of a stage, and each image of a service that is not built here; read without ``tools.images``."""
    stages = {words[2] for base in given("FROM") if len(words := base.split()) == 3}
    named = [base.split()[0] for base in given("FROM")]
    named += [value.removeprefix("--from=").split()[0] for value in given("COPY") if value.startswith("--from=")]
    named += [service["image"] for service in SERVICES.values() if "build" not in service]
    outside = [name for name in named if name not in stages]
    assert len(outside) == 3
    for image in outside:
        assert re.fullmatch(r"[\w./-]+:[\w.-]+@sha256:[0-9a-f]{64}", image), f"{image} goes by its tag: make images"


def test_image_runs_as_nobody_special_with_one_place_to_write() -> None:
    assert given("USER") == ["10001:10001"]
    assert given("VOLUME") == ["/data"]
    names = [name for name, _ in instructions()]
    assert names.index("USER") < names.index("ENTRYPOINT")
    assert "ADD" not in names
    assert "REFILL_DATA_DIR=/data" in given("ENV")[0]


def test_image_installs_locked_packages_and_nothing_else() -> None:
    installs = [command for command in commands() if command.startswith("pip ") and " install " in command]
    assert len(installs) == 2
    for command in installs:
        assert "--no-deps --require-hashes -r ${LOCK}" in command or "--no-deps --no-build-isolation" in command
        assert "--no-cache-dir" in command
    assert given("ARG") == ["LOCK=requirements.lock"]  # no extra, unless who builds asks for it
    (packages,) = [command for command in commands() if "apt-get install" in command]
    assert "-y --no-install-recommends" in packages
    assert any("rm -rf /var/lib/apt/lists" in command for command in commands())
    assert not any("curl" in command or "wget" in command for command in commands())


def test_no_installer_and_no_builder_is_shipped() -> None:
    """Shows that the tools of the build leave the image and its bill: all that it asks for, and nothing that runs."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    needed = closure(project["project"]["dependencies"])
    builds = sorted(closure(project["dependency-groups"]["build"]) - needed)
    leaving = [command.partition("--yes ")[2].split() for command in commands() if " uninstall " in command]
    assert leaving == [builds, ["--root-user-action=ignore", "pip"]]
    assert re.findall(r"^BUILDS := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE) == [" ".join(builds)]
    assert "python -m venv --without-pip /opt/refill" in commands()
    assert not {"pip", "setuptools", "wheel"} & needed


def closure(requirements: Sequence[str]) -> set[str]:
    """Names of all packages that ``requirements`` bring here, the named ones included."""
    found, wanted = set[tuple[str, ...]](), [Requirement(one) for one in requirements]
    while wanted:
        one = wanted.pop()
        key = (canonicalize_name(one.name), *sorted(one.extras))
        if key in found or (one.marker and not one.marker.evaluate()):
            continue
        found.add(key)
        for more in map(Requirement, distribution(one.name).requires or ()):
            extras = ({"extra": extra} for extra in ("", *one.extras))
            if not more.marker or any(more.marker.evaluate(extra) for extra in extras):
                more.marker = None
                wanted.append(more)
    return {name for name, *_ in found}


def test_image_tells_how_it_is() -> None:
    (check,) = given("HEALTHCHECK")
    assert check.endswith('CMD ["refill-alive"]')
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert {"refill", "refill-alive"} <= scripts.keys()
    assert given("ENTRYPOINT") == ['["refill"]']


def test_everything_that_is_copied_is_there_and_not_ignored() -> None:
    kept = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    assert sorted(copied()) == sorted(kept)
    assert all((ROOT / source).exists() for source in copied())


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


def started(line: str) -> set[str]:
    """Lists what ``docker compose`` starts without names: what has no profile, or one that the line gives."""
    asked = set(re.findall(r"--profile (\w+)", line))
    return {name for name, one in SERVICES.items() if not one.get("profiles") or asked & set(one["profiles"])}


def told_lines() -> list[str]:
    texts = [(ROOT / name).read_text() for name in ("README.md", "compose.yaml")]
    return [line for text in texts for line in re.findall(r"docker compose [\w -]*up\b", text)]


def test_lines_that_are_told_start_what_fits_together() -> None:
    lines = told_lines()
    assert {line.partition("--profile ")[2].split()[0] for line in lines} == {"live", "sandbox"}
    for line in lines:
        for name in started(line):
            assert set(SERVICES[name].get("depends_on", {})) <= started(line), (line, name)


def test_live_is_a_web_process_and_two_workers_that_wait_for_redis() -> None:
    live = started("--profile live")
    assert sorted(live) == ["redis", "web", "worker-1", "worker-2"]
    for name in live - {"redis"}:
        assert SERVICES[name]["command"] == [name.partition("-")[0]]
        assert SERVICES[name]["depends_on"]["redis"]["condition"] == "service_healthy"
    places = {SERVICES[name]["environment"]["REFILL_DATA_DIR"] for name in live - {"redis"}}
    assert len(places) == 3


def test_a_trial_needs_no_file_of_the_operator() -> None:
    trial = started("--profile sandbox")
    assert {SERVICES[name]["command"][0] for name in trial} == {"sandbox", "up"}
    for name in trial:
        assert "env_file" not in SERVICES[name]
        assert SERVICES[name]["volumes"] == ["trial:/trial"]


def test_a_configuration_that_is_missing_is_not_made_a_folder() -> None:
    binds = [
        volume
        for one in SERVICES.values()
        for volume in one.get("volumes", ())
        if isinstance(volume, dict) or volume.startswith((".", "/"))
    ]
    assert len(binds) == 3
    assert all(volume["read_only"] and volume["bind"] == {"create_host_path": False} for volume in binds)


@pytest.mark.parametrize("name", [name for name in OURS if SERVICES[name]["command"][0] != "sandbox"])
def test_every_process_is_asked_whether_it_lives_itself(name: str) -> None:
    check = SERVICES[name]["healthcheck"]
    assert check["test"] == ["CMD", "refill-alive"]
    places = [SERVICES[name].get("environment", {}).get("REFILL_DATA_DIR", "/data")]
    others = [one.get("environment", {}).get("REFILL_DATA_DIR") for key, one in SERVICES.items() if key != name]
    assert not set(places) & set(others)


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


def test_sandbox_speaks_http_on_loopback_only() -> None:
    assert SERVICES["sandbox-up"]["network_mode"] == "service:sandbox"
    assert "network_mode" not in SERVICES["sandbox"]
