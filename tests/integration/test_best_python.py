"""The best Python there is makes the environment, and a machine without one is told what to do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def found_by(folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Returns what .ci/venv does with only the Pythons in ``folder``."""
    return subprocess.run(
        ["/bin/sh", str(ROOT / ".ci" / "venv"), str(folder / "made")],
        env={"PATH": str(folder), **environ},
        capture_output=True,
        text=True,
        check=False,
    )


def python(folder: Path, name: str, version: str) -> None:
    """A Python that says it is ``version`` and tells when an environment is made with it."""
    minor = version.partition(".")[2]
    file = folder / name
    file.write_text(
        "#!/bin/sh\n"
        f'if [ "$1" = -m ]; then echo "made with {name}"; exit 0; fi\n'
        f'exec {sys.executable} -c "import sys; sys.version_info = (3, {minor}); exec(sys.argv[1])" "$2"\n'
    )
    file.chmod(0o755)


@pytest.mark.parametrize(
    ("there", "chosen"),
    [
        ({"python3": "3.11", "python3.12": "3.12"}, "python3"),
        ({"python3": "3.9", "python3.11": "3.11", "python3.12": "3.12"}, "python3.12"),
        ({"python3": "3.13", "python3.12": "3.12"}, "python3.12"),  # which continuous integration runs
        ({"python3": "3.13"}, "python3"),
        ({"python3": "3.9", "python3.14": "3.14"}, "python3.14"),
    ],
)
def test_best_python_makes_the_environment(tmp_path: Path, there: dict[str, str], chosen: str) -> None:
    for name, version in there.items():
        python(tmp_path, name, version)
    ended = found_by(tmp_path)
    assert (ended.returncode, ended.stdout.strip()) == (0, f"made with {chosen}"), ended.stderr


def test_no_python_is_told_with_what_to_do(tmp_path: Path) -> None:
    python(tmp_path, "python3", "3.9")
    ended = found_by(tmp_path)
    assert ended.returncode == 1
    assert "needs Python 3.11 or newer" in ended.stderr
    assert "apt install python3-venv" in ended.stderr
    assert "is not Python 3.11 or newer" in found_by(tmp_path, PYTHON="python3").stderr
