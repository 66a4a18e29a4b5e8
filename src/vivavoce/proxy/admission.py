"""Who may speak to a machine, checked for every message."""

import time
from collections.abc import Iterable
from typing import Final

from vivavoce.errors import AuthenticationFailed, Forbidden, VivavoceError
from vivavoce.protocol.machine import Claim
from vivavoce.protocol.messages import BEARER_SUBPROTOCOL_PREFIX, CloseCode
from vivavoce.tokens import CONNECT, Identity, Verifier

_MAX_CACHED: Final = 16


class Admission:
    """Verifies session tokens for one session.

    A signature costs a quarter of a millisecond, so a token that was found good is remembered; what
    can change (time, revocation) is looked at for every message.
    """

    def __init__(self, claim: Claim) -> None:
        self._claim = claim
        self._verifier = Verifier(claim.jwks, issuer=claim.issuer)
        self._revoked = set(claim.revoked)
        self._verified: dict[str, Identity] = {}

    def admit(self, token: str | None) -> Identity:
        """Verify a token in full.

        Raises:
            AuthenticationFailed: If it is missing, not ours, expired or revoked.
            Forbidden: If it is good, but not for this session, this person or connecting.
        """
        if not token:
            raise AuthenticationFailed("A session token is needed.")
        identity = self._verified.get(token)
        if identity is None:
            identity = self._verifier.verify(token, audiences=[self._claim.audience])
            if len(self._verified) >= _MAX_CACHED:
                self._verified.clear()
            self._verified[token] = identity
        self.check(identity, identity.session_id)
        return identity

    def check(self, identity: Identity, session_id: str | None) -> None:
        """Check what may have changed, and that a message is for the token's session and ours.

        Raises:
            AuthenticationFailed: If the token has expired or was revoked.
            Forbidden: If the message is for another session, or the token does not permit it.
        """
        if identity.expires_at < int(time.time()):
            raise AuthenticationFailed("The token has expired; get a new one.", expired=True)
        if identity.token_id in self._revoked:
            raise AuthenticationFailed("The token was revoked.")
        if not session_id == identity.session_id == self._claim.session_id:
            raise Forbidden("The token and the message must be for this machine's session.")
        if identity.tenant_id != self._claim.tenant_id or identity.subject != self._claim.user_id:
            raise Forbidden("This session belongs to somebody else.")
        identity.require(CONNECT)

    def revoke(self, token_ids: Iterable[str]) -> None:
        """Refuse these tokens from now on."""
        self._revoked.update(token_ids)


def token_in_subprotocols(offered: Iterable[str]) -> str | None:
    """Find the session token among a handshake's subprotocols (`bearer.<jwt>`)."""
    for subprotocol in offered:
        if subprotocol.startswith(BEARER_SUBPROTOCOL_PREFIX):
            return subprotocol.removeprefix(BEARER_SUBPROTOCOL_PREFIX)
    return None


def close_code(error: VivavoceError) -> CloseCode:
    """The close code that goes with a refusal to admit."""
    if isinstance(error, AuthenticationFailed):
        return CloseCode.AUTHENTICATION
    return CloseCode.FORBIDDEN if isinstance(error, Forbidden) else CloseCode.POLICY_VIOLATION
