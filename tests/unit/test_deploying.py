"""The files of deploy/ agree with the product: time to end, folders, users, and nothing that may be written."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from config.settings import Worker

ROOT = Path(__file__).parents[2]
CHART = ROOT / "deploy" / "helm" / "refill"
UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))
GRACE_S = Worker().grace.total_seconds()


def unit(path: Path) -> configparser.ConfigParser:
    parsed = configparser.ConfigParser(strict=False, interpolation=None)
    parsed.optionxform = str  # type: ignore[assignment,method-assign]  # keys keep their letters
    parsed.read_string(path.read_text(encoding="utf-8"))
    return parsed


def values() -> dict[str, Any]:
    return dict(yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8")))


def test_there_is_a_unit_for_workers_and_one_for_the_web_process() -> None:
    commands = {path.name: unit(path)["Service"]["ExecStart"].split()[1] for path in UNITS}
    assert commands == {"refill-web.service": "web", "refill-worker@.service": "worker"}


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit_writes_to_its_own_folder_only(path: Path) -> None:
    service = unit(path)["Service"]
    assert service["Environment"] == f"REFILL_DATA_DIR=/var/lib/{service['StateDirectory']}"
    assert (service["ProtectSystem"], service["User"]) == ("strict", "refill")


def test_a_worker_has_time_to_store_what_it_has_paid_for() -> None:
    (worker,) = [path for path in UNITS if "worker" in path.name]
    assert int(unit(worker)["Service"]["TimeoutStopSec"]) > GRACE_S
    assert values()["worker"]["terminationGracePeriodSeconds"] > GRACE_S
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    assert int(compose["x-image"]["stop_grace_period"].removesuffix("s")) > GRACE_S


def test_the_chart_s_probe_and_user_are_those_of_the_image() -> None:
    image = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    shared = (CHART / "templates" / "_helpers.tpl").read_text(encoding="utf-8")
    (user,) = re.findall(r"runAsUser: (\d+)", shared)
    assert f"USER {user}:{user}" in image
    assert "command: [refill-alive]" in shared
    assert 'CMD ["refill-alive"]' in image
    assert "readOnlyRootFilesystem: true" in shared
    assert "{name: data, mountPath: /data}" in shared


@pytest.mark.skipif(shutil.which("helm") is None, reason="helm is not on the PATH: make chart tells how")
def test_the_chart_renders() -> None:
    words = ["helm", "template", "r", str(CHART), "--set", "config=x", "--set", "worker.keda.enabled=true"]
    ran = subprocess.run(words, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    kinds = [one["kind"] for one in yaml.safe_load_all(ran.stdout)]
    assert kinds.count("PodDisruptionBudget") == 2
    assert {"StatefulSet", "Deployment", "ScaledObject"} <= set(kinds)
