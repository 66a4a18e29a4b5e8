"""A machine whose only network interface is loopback, as a laptop in flight or a bare container."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[2]


def namespace_command() -> list[str]:
    """Find a way to run a program in a network namespace of its own, as root or as anyone."""
    unshare = shutil.which("unshare")
    options = ["--net"] if os.geteuid() == 0 else ["--net", "--map-root-user"]
    command = [unshare or "unshare", *options]
    if not unshare or subprocess.run([*command, "true"], check=False).returncode:  # noqa: S603
        pytest.skip("this machine gives no network namespace")
    return command


def test_a_call_is_held_where_there_is_nothing_but_loopback():
    run = subprocess.run(  # noqa: S603
        [*namespace_command(), sys.executable, "-m", "support.loopback_call"],
        cwd=TESTS,
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        capture_output=True,
        text=True,
        timeout=55,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    result = json.loads(run.stdout.splitlines()[-1])
    assert result["interfaces"] == ["lo"]
    assert "berlin" in result["heard"].lower()
    assert result["loudest"] > 3_000
