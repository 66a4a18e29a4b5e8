"""`GET /v1/realtime`: which WebSockets are taken, and for what.

A sideband (`?call_id=`) joins a call over WebRTC, a session (`?model=`) is a call of its own whose
audio goes in events.

Source: OpenAI API reference, "Realtime": WebSocket and sideband connections.
"""

from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Final

from litestar.connection import ASGIConnection
from litestar.enums import ScopeType
from litestar.types import Receive, Scope, Send

from vivavoce.engine.access import SUBPROTOCOL, Access, bearer, key_of_browser
from vivavoce.engine.call import Call, Ending
from vivavoce.engine.calls import Calls
from vivavoce.engine.faults import Cut, Fault, Faults
from vivavoce.engine.faulty_sockets import faulty_sideband
from vivavoce.engine.metrics import Metrics
from vivavoce.engine.realtime_session import updated_session
from vivavoce.engine.refusals import Refused, no_such_call, refuse
from vivavoce.engine.secrets import PREFIX
from vivavoce.engine.sockets import Outbound, serve_socket

_Connection = ASGIConnection[Any, Any, Any, Any]
_TRANSCRIPTION: Final = "transcription"
_MAX_LISTENERS: Final = 18  # sixteen sidebands, the data channel, and the clock of replies


@dataclass(frozen=True, slots=True)
class Upgrades:
    """Takes WebSockets, or refuses them by HTTP before the upgrade."""

    access: Access
    calls: Calls
    metrics: Metrics
    faults: Faults

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request for a WebSocket."""
        connection: _Connection = ASGIConnection(scope, receive, send)
        outbound = Outbound()
        async with AsyncExitStack() as stack:
            try:
                call = await self._call(connection, outbound, stack)
            except Refused as refused:
                await refuse(refused, scope, receive, send)
                return
            chosen = SUBPROTOCOL if SUBPROTOCOL in _subprotocols(connection) else None
            if call.appended is None:
                send = faulty_sideband(self.faults, Cut(scope["state"]), send)
            await serve_socket(call, outbound, receive, send, subprotocol=chosen)
            if call.appended:
                call.end(Ending.CLIENT_LEFT)

    async def _call(
        self, connection: _Connection, outbound: Outbound, stack: AsyncExitStack
    ) -> Call:
        if connection.scope["type"] != ScopeType.WEBSOCKET:
            raise Refused(
                "Connect here with a WebSocket; an SDP offer goes to /v1/realtime/calls.",
                status=426,
                code="websocket_required",
            )
        if call_id := connection.query_params.get("call_id"):
            self.access.require_key(bearer(connection))
            call = self.calls.get(call_id)
            if self.faults.strike(Fault.SIDEBAND_404) is not None:
                raise no_such_call()
            if call.events.listeners >= _MAX_LISTENERS:
                raise Refused(
                    "The call has as many sidebands as it may.",
                    status=429,
                    type="rate_limit_error",
                    code="rate_limit_exceeded",
                )
            stack.enter_context(self.metrics.sidebands_active.track_inprogress())
            return call
        token = bearer(connection) or key_of_browser(_subprotocols(connection))
        with self.access.session_for(token) as default:
            session = updated_session(default, _wanted(connection, token))
            return await stack.enter_async_context(
                self.calls.in_events(session, outbound.until_room)
            )


def _subprotocols(connection: _Connection) -> list[str]:
    offered = connection.scope.get("subprotocols")
    return offered if isinstance(offered, list) else []


def _wanted(connection: _Connection, token: str) -> dict[str, str]:
    """Read what the address asks for, as an update of the session."""
    query = connection.query_params
    if query.get("intent") == _TRANSCRIPTION:
        return {"type": _TRANSCRIPTION}
    model = query.get("model")
    if not model and not token.startswith(PREFIX):
        raise Refused(
            "Give the model of a session, or the call_id of a call to join.",
            code="missing_required_parameter",
            param="model",
        )
    return {"model": model} if model else {}
