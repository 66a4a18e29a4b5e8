"""What a start hands out: the session's token, and the claim of its machine.

To sign both takes as long as the database takes to let the session in, so they are made out
meanwhile, for the session as it will be. Nobody gets them before.
"""

from vivavoce.control import configuration
from vivavoce.control.configuration import IssuedToken
from vivavoce.control.plane import ControlPlane
from vivavoce.protocol.machine import Claim
from vivavoce.store.sessions import SessionRow


class Papers:
    """Made out once each, when they are first asked for.

    Args:
        plane: The parts.
        session: The session.
    """

    def __init__(self, plane: ControlPlane, session: SessionRow) -> None:
        self._plane = plane
        self._session = session
        self._token: IssuedToken | None = None
        self._claims: dict[str, Claim] = {}

    def token(self) -> IssuedToken:
        """The session's token."""
        if self._token is None:
            self._token = configuration.session_token(self._plane, self._session)
        return self._token

    def claim(self, machine_id: str) -> Claim:
        """The claim of a machine."""
        claim = self._claims.get(machine_id)
        if claim is None:
            claim = configuration.make_claim(self._plane, self._session, machine_id)
            self._claims[machine_id] = claim
        return claim
