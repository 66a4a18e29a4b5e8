"""The TypeScript packages: their own tests, and what is built of them."""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from support import transcript_vectors

ROOT = Path(__file__).resolve().parents[3]


def run(*arguments):
    done = subprocess.run(  # noqa: S603  ourselves
        [sys.executable, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.timeout(120)
def test_the_packages_own_tests_pass():
    run("hatch_build.py", "run", "test")


@pytest.mark.timeout(120)
def test_the_packages_are_typed():
    run("hatch_build.py", "run", "types")


def test_the_pages_are_in_the_wheel(tmp_path):
    run("-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path))
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert "vivavoce/static/index.html" in names
    assert any(name.startswith("vivavoce/static/assets/") for name in names)
    assert "vivavoce/store/migrations/20261124000001_auth.sql" in names


@pytest.mark.parametrize("folder", ["web", "tests/conformance/node"])
def test_the_lock_names_no_registry(folder):
    lock = (ROOT / folder / "package-lock.json").read_text()
    assert '"integrity"' in lock
    assert "://" not in "".join(line for line in lock.splitlines() if '"resolved"' in line)


def test_the_types_are_those_of_the_published_descriptions():
    run("web/client/generate.py", "--check")


def test_the_vectors_are_what_the_rules_make_of_them():
    assert transcript_vectors.TARGET.read_text() == transcript_vectors.rendered()


@pytest.mark.parametrize("package", ["client", "react"])
def test_what_is_packed_is_what_is_imported(package, tmp_path):
    run("hatch_build.py", "pack", f"./{package}", "--pack-destination", str(tmp_path))
    (packed,) = tmp_path.glob("*.tgz")
    with tarfile.open(packed) as archive:
        names = set(archive.getnames())
    assert {"package/dist/index.js", "package/dist/index.d.ts", "package/README.md"} <= names
