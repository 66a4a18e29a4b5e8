"""The locks and the set-up: what is installed is what was locked, from wherever it is served."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ["requirements.txt", "requirements-build.txt"]
ALL_LOCKS = [*LOCKS, "requirements-peers.txt"]


def requirements(lock):
    """Each requirement of a lock with its hashes, on one line."""
    text = (ROOT / lock).read_text().replace("\\\n", " ")
    return [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]


def recipe(target):
    return subprocess.run(  # noqa: S603  our own Makefile
        ["/usr/bin/env", "make", "--always-make", "--dry-run", target],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=20,
    ).stdout


@pytest.mark.parametrize("lock", ALL_LOCKS)
def test_every_requirement_is_pinned_and_hashed(lock):
    found = requirements(lock)
    assert found
    for line in found:
        assert re.match(r"[\w.-]+(\[[\w,-]+\])?==[^\s;]+", line), line
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", line), line


@pytest.mark.parametrize("lock", ALL_LOCKS)
def test_locks_hold_no_addresses(lock):
    assert not re.search(r"://| @ |--(extra-)?index-url|--find-links", (ROOT / lock).read_text())


def test_locks_serve_other_systems_too():
    assert any("sys_platform" in line for line in requirements("requirements.txt"))


def test_the_set_up_demands_hashes_of_everything_but_ourselves():
    installs = [line for line in recipe("setup").splitlines() if "pip install" in line]
    locked, ours = installs
    assert "--require-hashes" in locked
    assert all(f"-r {lock}" in locked for lock in LOCKS)
    assert "--require-hashes" not in ours
    for option in ("--no-index", "--no-deps", "--no-build-isolation", "-e ."):
        assert option in ours


def test_the_set_up_leaves_bytecode():
    makefile = (ROOT / "Makefile").read_text()
    assert re.search(r"^unexport PYTHONDONTWRITEBYTECODE", makefile, re.MULTILINE)
    assert "compileall" in recipe("setup")


@pytest.mark.parametrize("target", ["demo", "up", "test", "lint", "bench"])
def test_every_command_sets_up_first(target):
    steps = recipe(target)
    assert steps.index("pip install") < len(steps.rstrip().rpartition("\n")[0])
