"""A machine is slim: what its process has loaded is all that it costs."""

import subprocess
import sys

FORBIDDEN = [
    "structlog",
    "rich",
    "pydantic",
    "pydantic_settings",
    "litestar",
    "uvicorn",
    "openai",
    "asyncpg",
    "aiortc",
    "numpy",
    "click",
]
LISTED = """\
import sys
from pathlib import Path
import vivavoce.proxy.fork_server as fork_server
fork_server._warm_up(Path(sys.argv[1]))
print(*sys.modules, sep="\\n")
"""


def modules_of_a_machine(runtime):
    """What a fork server has loaded when it forks a machine, and so every machine."""
    ran = subprocess.run(  # noqa: S603  ourselves
        [sys.executable, "-c", LISTED, str(runtime)],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    return set(ran.stdout.split())


def test_a_machine_loads_neither_framework_nor_settings_nor_database(tmp_path):
    loaded = modules_of_a_machine(tmp_path)
    assert "vivavoce.proxy.session" in loaded
    assert loaded.isdisjoint(FORBIDDEN)
    ours = {name.split(".")[1] for name in loaded if name.startswith("vivavoce.")}
    assert ours <= {"errors", "protocol", "proxy", "retry", "sessions", "tokens", "voice"}
