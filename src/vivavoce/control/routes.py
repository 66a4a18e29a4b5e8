"""Where a session's machine listens, for the gateway."""

from typing import Final

import anyio

from vivavoce.control.plane import ControlPlane
from vivavoce.errors import NotFound, SdpExchangeFailed, SessionEnded, Unavailable
from vivavoce.sessions.lifecycle import LIVE
from vivavoce.store import sessions as rows

POLL_SECONDS: Final = 1.0


class Routes:
    """Finds machines; waits for a session that is on its way to another one."""

    def __init__(self, plane: ControlPlane) -> None:
        self._plane = plane

    async def socket_of(self, session_id: str, *, wait: float) -> str:
        """Path of the unix socket of the session's machine.

        Args:
            session_id: The session.
            wait: Seconds to wait while it has none for the moment.

        Raises:
            SessionEnded: If the interview is over.
            NotFound: If there is no such session, or it has no machine by design.
            SdpExchangeFailed: If there is no machine in time.
        """
        with anyio.move_on_after(wait):
            while True:
                changed = self._plane.machines.changed.next()
                held = self._plane.machines.serving(session_id)
                if held is not None:
                    return held.machine.endpoint.proxy_socket
                await self._check(session_id)
                with anyio.move_on_after(POLL_SECONDS):
                    await changed.wait()
        raise SdpExchangeFailed(
            "The session has no machine at the moment; connect again.", retry_after=2.0
        )

    async def _check(self, session_id: str) -> None:
        try:
            async with self._plane.database.as_service() as conn:
                session = await rows.find_session(conn, session_id)
        except Unavailable:
            return  # nobody can say; the machine may be found in a moment
        if session is None or session.architecture != "hybrid":
            raise NotFound("There is no such session.")
        if session.status not in LIVE:
            raise SessionEnded("The interview is over.")
