"""What the edges work with, and what they have in common."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypedDict
from uuid import UUID

from litestar import Request, Response
from litestar.di import NamedDependency

from vivavoce import tokens
from vivavoce.api.authentication import Authenticator, bearer_token
from vivavoce.api.ingest_queue import IngestQueue
from vivavoce.api.metrics import Metrics
from vivavoce.api.pages import Pages
from vivavoce.api.problems import Rendered, request_id_of
from vivavoce.control.console import require_entry
from vivavoce.control.plane import ControlPlane
from vivavoce.errors import NotFound
from vivavoce.protocol.codec import decode, encode

AnyRequest = Request[Any, Any, Any]
PEOPLE: Final = (tokens.ACCESS, tokens.SESSION)
MAX_BODY_BYTES: Final = 1024 * 1024


@dataclass(frozen=True)
class Api:
    """The control plane, and what stands between it and the wire."""

    plane: ControlPlane
    authenticator: Authenticator
    ingest: IngestQueue
    metrics: Metrics
    pages: Pages

    async def identify(
        self, request: AnyRequest, audiences: Sequence[str], *, grace: int = 0
    ) -> tokens.Identity:
        """Who is asking.

        Raises:
            AuthenticationFailed: If the token is missing or not good.
            Unavailable: As in `whose`.
        """
        return await self.whose(bearer_token(request), audiences, grace=grace)

    async def whose(
        self, token: str, audiences: Sequence[str], *, grace: int = 0
    ) -> tokens.Identity:
        """Whose token it is.

        Raises:
            AuthenticationFailed: If it is not good, or from a console that was left.
            Unavailable: If it is from a console, and the database does not answer.
        """
        identity = self.authenticator.verify(token, audiences, grace=grace)
        if identity.console_link is not None:
            await require_entry(self.plane, identity)
        return identity


ApiParts = NamedDependency[Api]
"""How an edge asks for it."""


def session_id_of(text: str, identity: tokens.Identity) -> str:
    """The session of a path, if the token may touch it at all.

    Raises:
        NotFound: If it is no session id, or another session's than the token's.
    """
    session_id = id_of(text, "session")
    if identity.session_id is not None and UUID(identity.session_id) != UUID(session_id):
        raise NotFound("There is no such session.")
    return session_id


def id_of(text: str, thing: str) -> str:
    """The id in a path.

    Raises:
        NotFound: If it is none.
    """
    try:
        return str(UUID(text))
    except ValueError:
        raise NotFound(f"There is no such {thing}.") from None


class Caller(TypedDict):
    """The audit log's words for who does something, by which request."""

    actor: str
    request_id: str


def caller(identity: tokens.Identity, request: AnyRequest) -> Caller:
    """Who asks."""
    return Caller(actor=identity.subject, request_id=request_id_of(request))


def answer(content: Any, *, status: int = 200) -> Response[bytes]:
    """A JSON answer that nobody may keep."""
    return Rendered.json(status, encode(content)).response()


async def tell_guest(
    api: Api, request: AnyRequest, tell: Callable[[ControlPlane, tokens.Identity], Awaitable[Any]]
) -> Response[bytes]:
    """Answer a candidate who asks with the token of an invitation."""
    identity = await api.identify(request, (tokens.INVITATION,))
    return answer(await tell(api.plane, identity))


async def do_for_guest(
    api: Api,
    request: AnyRequest,
    body: bytes,
    do: Callable[..., Awaitable[Any]],
    shape: type[Any],
    *,
    max_bytes: int,
) -> Response[bytes]:
    """Do what a candidate asks with the token of an invitation; it makes something."""
    identity = await api.identify(request, (tokens.INVITATION,))
    given = decode(body, shape, max_bytes=max_bytes)
    done = await do(api.plane, identity, given, request_id=request_id_of(request))
    return answer(done, status=201)
