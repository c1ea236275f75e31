"""The bill of materials: licences and needs of the installed packages, hashes of the lock, and nothing else."""

from __future__ import annotations

from tools.sbom import completed

ROOT, HASHES = {"bom-ref": "root"}, [{"type": "distribution", "hashes": [{"alg": "SHA-256", "content": "00"}]}]


def test_what_is_locked_gets_its_hashes_and_the_installer_leaves() -> None:
    licences = [{"license": {"id": "MIT"}}]
    bill = {
        "metadata": {"component": ROOT},
        "components": [
            {"bom-ref": "a", "name": "Some_Package", "licenses": licences},
            {"bom-ref": "pip", "name": "pip", "licenses": licences},
        ],
        "dependencies": [{"ref": "root", "dependsOn": ["a", "pip"]}, {"ref": "a"}, {"ref": "pip"}],
    }
    locked = {"components": [{"name": "some-package", "externalReferences": HASHES}]}
    found = completed(bill, locked)
    (one,) = found["components"]
    assert one == {"bom-ref": "a", "name": "Some_Package", "licenses": licences, "externalReferences": HASHES}
    assert found["dependencies"] == [{"ref": "root", "dependsOn": ["a"]}, {"ref": "a"}]
