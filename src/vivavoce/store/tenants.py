"""Rows of `tenants`, as far as somebody changes them."""

from vivavoce.errors import NotFound
from vivavoce.store.pool import Connection


async def set_accent(conn: Connection, tenant_id: str, accent: str | None) -> str:
    """Give a tenant's pages a colour that was checked, or their own again; gives its name.

    Raises:
        NotFound: If there is no such tenant.
    """
    name = await conn.fetchval(
        "update tenants set accent = $2 where id = $1 returning name", tenant_id, accent
    )
    if name is None:
        raise NotFound("There is no such tenant.")
    return str(name)
