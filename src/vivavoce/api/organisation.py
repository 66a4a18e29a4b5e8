"""`/v1/organisation`: who a recruiter's tenant is, and how its pages look."""

from typing import Final

from litestar import Response, get

from vivavoce import tokens
from vivavoce.api.context import AnyRequest, ApiParts
from vivavoce.api.freshness import answer_if_changed
from vivavoce.control.theme import theme_of
from vivavoce.protocol.organisation import OrganisationView
from vivavoce.store.invitations import host_of

PATH: Final = "/v1/organisation"


@get(PATH)
async def show_organisation(request: AnyRequest, api: ApiParts) -> Response[bytes]:
    """The caller's tenant."""
    identity = await api.identify(request, (tokens.ACCESS,))
    async with api.plane.database.as_tenant(identity.claims) as conn:
        host = await host_of(conn, tenant_id=identity.tenant_id, company_id=None)
    theme = None if host.accent is None else theme_of(host.accent)
    return answer_if_changed(request, OrganisationView(name=host.organisation, theme=theme))
