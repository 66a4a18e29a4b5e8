"""What the engine asks on its way to a client behind a wall: STUN and TURN, if it has some."""

import time

from aiortc import RTCIceServer

from vivavoce import turn
from vivavoce.settings import EngineSettings


def ice_servers(settings: EngineSettings) -> list[RTCIceServer]:
    """The engine's own STUN and TURN, with credentials that outlive the call."""
    servers = []
    if settings.engine_stun_servers:
        servers.append(RTCIceServer(urls=list(settings.engine_stun_servers)))
    secret = settings.engine_turn_secret
    if settings.engine_turn_servers and secret is not None:
        lifetime = settings.engine_connect_seconds + settings.engine_max_call_seconds
        username, password = turn.credentials(
            secret.get_secret_value(), name="engine", expires_at=int(time.time() + lifetime) + 60
        )
        servers.append(
            RTCIceServer(
                urls=list(settings.engine_turn_servers), username=username, credential=password
            )
        )
    return servers
