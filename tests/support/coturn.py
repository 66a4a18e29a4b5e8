"""A real TURN server: Debian's coturn on loopback, with a secret of its own."""

import re
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from vivavoce.cli.stack import free_port

PROGRAM = shutil.which("turnserver")
# Relaying to 127.0.0.1 is what a server on a network must never do, and what a test needs.
CONFIGURATION = """
listening-ip=127.0.0.1
relay-ip=127.0.0.1
listening-port={port}
allow-loopback-peers
fingerprint
use-auth-secret
static-auth-secret={secret}
realm=vivavoce.test
no-tls
no-dtls
no-cli
no-multicast-peers
pidfile={folder}/turnserver.pid
userdb={folder}/turn.db
log-file=stdout
simple-log
verbose
"""
BINDING_REQUEST = bytes.fromhex("00010000 2112a442") + b"readiness-ok"


@dataclass(frozen=True)
class Coturn:
    """A running server."""

    url: str
    secret: str
    log: Path

    def relayed(self, name: str) -> int:
        """Packets that it has sent for a user, as it counts them when the user is gone."""
        counts = re.findall(rf"session \d+: usage: .*:{name}>, .* sp=(\d+)", self.log.read_text())
        return sum(map(int, counts))


@contextmanager
def run_coturn(folder: Path) -> Generator[Coturn, None, None]:
    """Run a TURN server until the block ends; skips the test where coturn is not installed."""
    if PROGRAM is None:
        pytest.skip("coturn is not installed (Debian: coturn)")
    port, secret, log = free_port(), secrets.token_hex(16), folder / "coturn.log"
    configuration = folder / "turnserver.conf"
    configuration.write_text(CONFIGURATION.format(port=port, secret=secret, folder=folder))
    with (
        log.open("wb") as output,
        subprocess.Popen(  # noqa: S603  found on the path
            [PROGRAM, "-c", str(configuration)], stdout=output, stderr=output
        ) as process,
    ):
        try:
            _wait_until_it_answers(port)
            yield Coturn(f"turn:127.0.0.1:{port}", secret, log)
        finally:
            process.terminate()
            process.wait(10)


def _wait_until_it_answers(port: int) -> None:
    """Ask for a STUN binding until there is an answer, at most 10 s (RFC 8489)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.settimeout(0.1)
        probe.connect(("127.0.0.1", port))
        for _ in range(100):
            try:
                probe.send(BINDING_REQUEST)
                probe.recv(1024)
            except TimeoutError:
                continue
            except OSError:  # refused at once: nobody listens yet
                time.sleep(0.1)
                continue
            return
    raise AssertionError("coturn does not answer")
