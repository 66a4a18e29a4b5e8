"""Between the control plane and its fork server: one JSON message a packet (`SOCK_SEQPACKET`).

Nothing here is secret: secrets travel in the claim, over the machine's own private channel.
"""

from typing import Final

import msgspec

MAX_PACKET_BYTES: Final = 4096
PROXY_SOCKET: Final = "proxy.sock"
CONTROL_SOCKET: Final = "control.sock"
RECORD: Final = "machine.json"


class ForkRequest(msgspec.Struct, frozen=True, kw_only=True, tag="fork", tag_field="type"):
    """Start a machine."""

    machine_id: str
    folder: str
    """Its own; made by the fork server."""
    region: str
    unclaimed_seconds: float
    """After which it gives up if nobody claims it."""
    user_id: int | None = None
    """The operating system user to become; None to stay the same."""


class Forked(msgspec.Struct, frozen=True, kw_only=True, tag="forked", tag_field="type"):
    """The process of a machine exists; it is not ready yet."""

    machine_id: str
    pid: int
    pid_started: int


class MachineRecord(msgspec.Struct, frozen=True, kw_only=True, tag="ready", tag_field="type"):
    """A machine listens. Also what stands in its folder, for those who did not start it."""

    machine_id: str
    region: str
    isolation: str
    pid: int
    pid_started: int


class ForkExited(msgspec.Struct, frozen=True, kw_only=True, tag="exited", tag_field="type"):
    """A machine is gone, or never came to be. Its folder is removed."""

    machine_id: str
    pid: int
    status: int
    """Exit status; negative for a signal."""


class ForkServerReady(msgspec.Struct, frozen=True, kw_only=True, tag="up", tag_field="type"):
    """The fork server takes requests."""

    pid: int
    can_change_user: bool


ForkReply = Forked | MachineRecord | ForkExited | ForkServerReady
