"""A skipped test proves nothing: it is counted and named, and fails a run of the pipeline."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).resolve().parents[1] / "conftest.py"
SKIPPED = """\
import pytest

@pytest.mark.skip(reason="no network namespace here")
def test_that_is_skipped():
    pass

def test_that_passes():
    pass
"""


def run(folder, *options, **environment):
    (folder / "conftest.py").write_text(CONFTEST.read_text())
    (folder / "test_one.py").write_text(SKIPPED)
    (folder / "pytest.ini").write_text("[pytest]\n")
    known = {
        name: value for name, value in os.environ.items() if name != "CI" and "PYTEST" not in name
    }
    return subprocess.run(  # noqa: S603  ourselves
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options],
        cwd=folder,
        env={**known, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )


@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["alone", "in-parallel"])
def test_a_skip_is_counted_and_named(tmp_path, options):
    ran = run(tmp_path, *options)
    assert ran.returncode == 0
    assert "1 skipped\n" in ran.stdout
    assert "test_that_is_skipped" in ran.stdout
    assert "no network namespace here" in ran.stdout


@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["alone", "in-parallel"])
def test_a_skip_fails_the_pipeline(tmp_path, options):
    assert run(tmp_path, *options, CI="true").returncode == 1
