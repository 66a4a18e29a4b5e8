"""Who a tenant is, and the colour of its pages: for its recruiters and its candidates."""

from support.api import add_tenant
from support.invitations import invite

PURPLE = "#7a1fa2"


async def show(api, **claims):
    return await api.call("GET", "/v1/organisation", token=api.access_token(**claims))


async def test_a_tenant_has_a_name_and_a_colour_of_its_own(api):
    other = await add_tenant(api.admin_dsn)
    await api.sql(
        "update tenants set name = 'Ours', accent = $2 where id = $1", api.tenant_id, PURPLE
    )
    shown = (await show(api)).json
    assert (shown["name"], shown["theme"]["light"]["accent"]) == ("Ours", PURPLE)
    assert (await show(api, tenant_id=other)).json["theme"] is None

    guest = await invite(api)
    await guest.open()
    assert (await guest.welcome()).json["theme"] == shown["theme"]
    refused = await api.call("GET", "/v1/organisation", token=guest.token)
    assert (refused.status, refused.code) == (401, "AUTHENTICATION_FAILED")
