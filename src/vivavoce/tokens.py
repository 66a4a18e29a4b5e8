"""Tokens: who issues them, what they claim, and how each is verified.

Four kinds, all JWTs (RFC 7519) signed with ES256 by a key with a `kid`, told apart by `aud`:

- access token (`viva`): a user of a tenant; claims `sub`, `tenant_id`, `role`; one from the console
  also `console_link`, the entry that it ends with.
- invitation token (`viva-invitation`): a candidate before the interview; claim `invitation_id`.
- session token (`viva-session`): one person in one interview, at most one hour.
- machine token (`viva-machine`): one machine's right to store one session's transcript.

Verification is full: signature by a key that we know, header allow-list, `iss`, `aud`, `exp` and
`sub` present (RFC 8725). A machine holds public keys only, so it cannot mint what it verifies.
"""

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID, uuid4

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, OctKey
from joserfc.jwt import JWTClaimsRegistry

from vivavoce.errors import AuthenticationFailed, Forbidden

ALGORITHM: Final = "ES256"
ISSUER: Final = "vivavoce"
ACCESS: Final = "viva"
INVITATION: Final = "viva-invitation"
SESSION: Final = "viva-session"
MACHINE: Final = "viva-machine"
MAX_TOKEN_BYTES: Final = 8192
MIN_SECRET_BYTES: Final = 32
MAX_SESSION_TOKEN_SECONDS: Final = 3600
RENEWAL_GRACE_SECONDS: Final = 300
CLOCK_LEEWAY_SECONDS: Final = 5
MAX_REMEMBERED: Final = 1000
_HEADERS: Final = frozenset({"alg", "kid", "typ"})

CONNECT: Final = "webrtc:connect"
WRITE_TRANSCRIPT: Final = "transcript:write"
READ_TRANSCRIPT: Final = "transcript:read"
END_SESSION: Final = "session:end"
CANDIDATE_PERMISSIONS: Final = (CONNECT, WRITE_TRANSCRIPT, READ_TRANSCRIPT, END_SESSION)


@dataclass(frozen=True)
class Identity:
    """What a verified token says. `claims` are the database's `request.jwt.claims`."""

    kind: str
    subject: str
    tenant_id: str
    role: str
    session_id: str | None
    invitation_id: str | None
    console_link: str | None
    permissions: frozenset[str]
    token_id: str
    issued_at: int
    expires_at: int
    claims: Mapping[str, Any]

    def require(self, permission: str) -> None:
        """Refuse unless the token carries the permission.

        Raises:
            Forbidden: If it does not.
        """
        if permission not in self.permissions:
            raise Forbidden(f"This token does not permit {permission}.")


@dataclass(frozen=True)
class SigningKeys:
    """The private keys, newest first; the first one signs."""

    keys: tuple[ECKey, ...]

    def public(self) -> dict[str, Any]:
        """The JWKS to publish: public keys only (RFC 7517)."""
        return {"keys": [key.as_dict(private=False) for key in self.keys]}

    def private_jwks(self) -> dict[str, Any]:
        """The JWKS to keep secret."""
        return {"keys": [key.as_dict(private=True) for key in self.keys]}


def generate_keys() -> SigningKeys:
    """Make a key pair (P-256) with a random `kid`."""
    key_id = secrets.token_urlsafe(8)
    return SigningKeys(
        (ECKey.generate_key("P-256", {"kid": key_id, "use": "sig", "alg": ALGORITHM}),)
    )


def load_keys(jwks: Mapping[str, Any]) -> SigningKeys:
    """Read private keys from a JWKS object.

    Raises:
        ValueError: If there is no usable P-256 private key with a `kid` in it.
    """
    try:
        keys = tuple(ECKey.import_key(dict(key)) for key in jwks["keys"])
    except (JoseError, KeyError, TypeError, ValueError) as error:
        raise ValueError("The signing keys are not a JWKS of P-256 keys.") from error
    if not keys or not all(_can_sign(key) for key in keys):
        raise ValueError("Every signing key needs curve P-256, its private part and a kid.")
    return SigningKeys(keys)


def issue(
    keys: SigningKeys,
    *,
    audience: str,
    subject: str,
    tenant_id: str,
    ttl: int,
    role: str = "authenticated",
    session_id: str | None = None,
    invitation_id: str | None = None,
    console_link: str | None = None,
    permissions: Sequence[str] = (),
    now: float | None = None,
    **extra: Any,
) -> str:
    """Sign a token.

    Args:
        keys: The first key signs.
        audience: `ACCESS`, `INVITATION`, `SESSION` or `MACHINE`.
        subject: A uuid, or the database's `auth.uid()` fails.
        tenant_id: The tenant, a uuid.
        ttl: Seconds of life; a session token lives at most `MAX_SESSION_TOKEN_SECONDS`.
        role: Database role.
        session_id: Restricts the token to one session.
        invitation_id: Restricts the token to one invitation, and the sessions started with it.
        console_link: By which a recruiter came in; the token ends when they leave.
        permissions: What it allows.
        now: Seconds since the epoch; the clock if None.
        extra: Further claims.
    """
    if audience == SESSION:
        ttl = min(ttl, MAX_SESSION_TOKEN_SECONDS)
    issued_at = int(time.time() if now is None else now)
    claims: dict[str, Any] = {
        "iss": ISSUER,
        "aud": audience,
        "sub": subject,
        "role": role,
        "tenant_id": tenant_id,
        "permissions": list(permissions),
        "iat": issued_at,
        "exp": issued_at + ttl,
        "jti": str(uuid4()),
        **extra,
    }
    if session_id is not None:
        claims["session_id"] = session_id
    if invitation_id is not None:
        claims["invitation_id"] = invitation_id
    if console_link is not None:
        claims["console_link"] = console_link
    key = keys.keys[0]
    return jwt.encode({"alg": ALGORITHM, "kid": key.kid, "typ": "JWT"}, claims, key)


class Verifier:
    """Verifies tokens against a set of public keys.

    A good signature stays good: it is checked once for each of the last `MAX_REMEMBERED` tokens,
    because that alone costs more than storing an entry; and so does a token's purpose, for each
    purpose that it was good for. Its time is checked every time.
    """

    def __init__(self, jwks: Mapping[str, Any], *, issuer: str = ISSUER) -> None:
        self._keys = {key["kid"]: ECKey.import_key(dict(key)) for key in jwks["keys"]}
        self._key_set = KeySet(list(self._keys.values()))
        self._issuer = issuer
        self._remembered: dict[str, Mapping[str, Any]] = {}
        self._known: dict[tuple[str, ...], Identity] = {}

    def verify(
        self, token: str, *, audiences: Sequence[str], now: float | None = None, grace: int = 0
    ) -> Identity:
        """Check a token in full and say who it is.

        Args:
            token: The compact JWT, at most `MAX_TOKEN_BYTES`.
            audiences: Which kinds are accepted.
            now: Seconds since the epoch; the clock if None.
            grace: Seconds by which it may have expired (renewal only).

        Raises:
            AuthenticationFailed: For anything that is not a good token, without saying which check
                failed, except that an expired token is called so.
        """
        instant = int(time.time() if now is None else now)
        purpose = (token, *audiences)
        known = self._known.get(purpose)
        if known is not None and instant <= known.expires_at + grace:
            return known  # all else that was checked stays as it was
        claims = self._signed_claims(token)
        registry = JWTClaimsRegistry(
            now=instant,
            leeway=CLOCK_LEEWAY_SECONDS,
            iss={"essential": True, "value": self._issuer},
            aud={"essential": True, "values": list(audiences)},
            sub={"essential": True},
            iat={"essential": True},
            jti={"essential": True},
        )
        _check_claims(claims, registry, instant=instant, grace=grace)
        identity = _identity(claims)
        if len(self._known) >= MAX_REMEMBERED:
            del self._known[next(iter(self._known))]
        self._known[purpose] = identity
        return identity

    def _signed_claims(self, token: str) -> dict[str, Any]:
        claims = self._remembered.get(token)
        if claims is None:
            claims = self._verified_claims(token)
            if len(self._remembered) >= MAX_REMEMBERED:
                del self._remembered[next(iter(self._remembered))]
            self._remembered[token] = claims
        return dict(claims)

    def _verified_claims(self, token: str) -> dict[str, Any]:
        if not token or len(token) > MAX_TOKEN_BYTES:
            raise AuthenticationFailed("A token is needed.")
        try:
            decoded = jwt.decode(token, self._key_set, algorithms=[ALGORITHM])
        except (JoseError, ValueError, TypeError, UnicodeError):
            raise AuthenticationFailed("The token is not valid here.") from None
        if not set(decoded.header) <= _HEADERS or decoded.header.get("kid") not in self._keys:
            raise AuthenticationFailed("The token is not valid here.")
        return dict(decoded.claims)


class SupabaseVerifier:
    """Verifies users of a Supabase project that still signs with its shared secret (HS256).

    Only for access: such a token never stands for a session or a machine, and Supabase's own claim
    `session_id` (a login) is not ours (an interview).

    Args:
        secret: The project's JWT secret, at least 32 bytes (RFC 7518 §3.2).

    Raises:
        ValueError: If the secret is too short.
    """

    def __init__(self, secret: str) -> None:
        if len(secret.encode()) < MIN_SECRET_BYTES:
            raise ValueError(f"A shared secret needs at least {MIN_SECRET_BYTES} bytes.")
        self._key = OctKey.import_key(secret)

    def verify(self, token: str, *, now: float | None = None) -> Identity:
        """Check a user's token in full and say who it is.

        Raises:
            AuthenticationFailed: For anything that is not a good token of a user with a tenant.
        """
        if not token or len(token) > MAX_TOKEN_BYTES:
            raise AuthenticationFailed("A token is needed.")
        try:
            decoded = jwt.decode(token, self._key, algorithms=["HS256"])
        except (JoseError, ValueError, TypeError, UnicodeError):
            raise AuthenticationFailed("The token is not valid here.") from None
        if not set(decoded.header) <= _HEADERS:
            raise AuthenticationFailed("The token is not valid here.")
        instant = int(time.time() if now is None else now)
        registry = JWTClaimsRegistry(
            now=instant,
            leeway=CLOCK_LEEWAY_SECONDS,
            aud={"essential": True, "value": "authenticated"},
            sub={"essential": True},
            iat={"essential": True},
        )
        _check_claims(decoded.claims, registry, instant=instant)
        login = decoded.claims.get("session_id")
        kept = {
            name: value
            for name, value in decoded.claims.items()
            if name not in ("session_id", "invitation_id", "permissions")
        }
        return _identity({**kept, "aud": ACCESS, "jti": login if isinstance(login, str) else ""})


def _check_claims(
    claims: Mapping[str, Any], registry: JWTClaimsRegistry, *, instant: int, grace: int = 0
) -> None:
    try:
        registry.validate({name: value for name, value in claims.items() if name != "exp"})
    except (JoseError, TypeError, ValueError):
        raise AuthenticationFailed("The token is not valid here.") from None
    expires_at = claims.get("exp")
    if not isinstance(expires_at, int) or isinstance(expires_at, bool):
        raise AuthenticationFailed("The token is not valid here.")
    if expires_at + grace < instant:
        raise AuthenticationFailed("The token has expired; get a new one.", expired=True)


def _can_sign(key: ECKey) -> bool:
    return key.is_private and bool(key.kid) and key.curve_name == "P-256"


def _identity(claims: dict[str, Any]) -> Identity:
    app_metadata = claims.get("app_metadata")
    tenant_id = claims.get("tenant_id") or (
        app_metadata.get("tenant_id") if isinstance(app_metadata, dict) else None
    )
    session_id, invitation_id = claims.get("session_id"), claims.get("invitation_id")
    console_link = claims.get("console_link")
    permissions = claims.get("permissions", [])
    limits = [value for value in (session_id, invitation_id) if value is not None]
    ids = [claims["sub"], tenant_id, *limits, *([] if console_link is None else [console_link])]
    if (
        claims.get("role") != "authenticated"
        or not all(_is_uuid(value) for value in ids)
        or not isinstance(permissions, list)
        or not all(isinstance(name, str) for name in permissions)
        or not isinstance(claims["jti"], str)
        or not isinstance(claims["aud"], str)
    ):
        raise AuthenticationFailed("The token is not valid here.")
    if not _is_limited_as_its_kind(claims["aud"], session_id, invitation_id):
        raise AuthenticationFailed("The token is not valid here.")
    return Identity(
        kind=claims["aud"],
        subject=claims["sub"],
        tenant_id=str(tenant_id),
        role="authenticated",
        session_id=session_id,
        invitation_id=invitation_id,
        console_link=console_link,
        permissions=frozenset(permissions),
        token_id=claims["jti"],
        issued_at=claims["iat"],
        expires_at=claims["exp"],
        claims={**claims, "tenant_id": str(tenant_id)},
    )


def _is_limited_as_its_kind(kind: str, session_id: object, invitation_id: object) -> bool:
    """Whether a token names exactly what it is for: no less, so that it does not reach further."""
    if kind == INVITATION:
        return session_id is None and invitation_id is not None
    return invitation_id is None and (kind == ACCESS or session_id is not None)


def _is_uuid(value: object) -> bool:
    try:
        UUID(value)  # type: ignore[arg-type]  # anything may stand in a claim
    except (ValueError, TypeError, AttributeError):
        return False
    return True
