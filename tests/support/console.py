"""Recruiters in the console, each in a browser of their own."""

import json
from uuid import uuid4

from playwright.async_api import Browser, BrowserContext, Page

from support.interview import Platform
from vivavoce.cli.access import local_token
from vivavoce.cli.home import TENANT_ID
from vivavoce.cli.links import console_link
from vivavoce.store.pool import open_database

FOR_EVER = "2099-01-01T00:00:00Z"


async def link_into(platform: Platform) -> str:
    """A link as `viva console` prints it."""
    async with open_database(platform.stack.database.dsn, min_size=1, max_size=1) as database:
        return await console_link(database, platform.url)


async def add_tenant(
    platform: Platform, name: str = "another organisation", *, accent: str | None = None
) -> str:
    """A tenant that has nothing to do with the local one; gives its id."""
    (row,) = await platform.fetch(
        "insert into tenants (name, accent) values ($1, $2) returning id", name, accent
    )
    return str(row["id"])


async def recruiter(
    browser: Browser, platform: Platform, *, tenant_id: str | None = None
) -> BrowserContext:
    """A browser that has entered already, of a recruiter who is nobody else."""
    token = local_token(platform.settings, tenant_id=tenant_id or TENANT_ID, user_id=str(uuid4()))
    access = json.dumps({"accessToken": token, "expiresAt": FOR_EVER})
    context = await browser.new_context(base_url=platform.url)
    await context.add_init_script(
        f"sessionStorage.setItem('vivavoce-console', {json.dumps(access)})"
    )
    return context


async def open_page(context: BrowserContext, path: str) -> Page:
    """A page of a recruiter, once its heading stands there."""
    page = await context.new_page()
    await page.goto(path)
    await page.get_by_role("heading", level=1).wait_for()
    return page
