"""`viva accent`: the colour of a tenant's pages."""

from vivavoce.cli.links import open_database_of_home
from vivavoce.control.theme import checked_accent
from vivavoce.settings import ServerSettings
from vivavoce.store.tenants import set_accent


async def accent_command(settings: ServerSettings, tenant_id: str, accent: str | None) -> str:
    """Give a tenant's pages a colour; None takes it away. Gives the tenant's name.

    Raises:
        InvalidRequest: If it is no colour, or cannot be read on the pages.
        NotFound: If there is no such tenant.
        Unavailable: If the database of this home does not answer.
    """
    wanted = None if accent is None else checked_accent(accent)
    async with open_database_of_home(settings) as database, database.as_service() as conn:
        return await set_accent(conn, tenant_id, wanted)
