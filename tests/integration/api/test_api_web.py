"""The pages: what is served, how long it may be kept, and what a page may do."""

import gzip
import re
from pathlib import Path

import anyio
import pytest

from support.scripted_api import open_scripted_api

SCRIPT = "console.log('Hello.');\n" * 200
PAGE = "<!doctype html><script type=module src=/assets/app-1a2b3c4d.js></script>"


@pytest.fixture
def built(tmp_path):
    folder = tmp_path / "static"
    (folder / "assets").mkdir(parents=True)
    (folder / "assets" / "app-1a2b3c4d.js").write_text(SCRIPT)
    (folder / "assets" / "chime-5e6f7a8b.ogg").write_bytes(b"OggS" * 100)
    (folder / "assets" / "way-out.txt").symlink_to("/etc/passwd")
    (folder / "index.html").write_text(PAGE)
    (tmp_path / "secret.txt").write_text("Not for you.")
    return folder


@pytest.fixture
async def site(database, admin_dsn, built):
    async with open_scripted_api(database, admin_dsn, web_folder=built) as server:
        yield server


async def load(site, path, **headers):
    """Ask without the client's own decompression."""
    async with site.http.get(
        site.url + path, headers={"Accept-Encoding": "identity", **headers}, allow_redirects=False
    ) as response:
        return response.status, await response.read(), response.headers


async def test_every_address_of_a_page_gives_the_document(site):
    for path in ("/i/anything", "/i/a/b", "/i", "/console", "/console/sessions/1"):
        status, content, headers = await load(site, path)
        assert (status, content.decode()) == (200, PAGE), path
        assert headers["Content-Type"] == "text/html; charset=utf-8"
        assert headers["Cache-Control"] == "no-store"
    async with site.http.head(f"{site.url}/console") as response:
        assert (response.status, await response.read()) == (200, b"")
    status, _, headers = await load(site, "/")
    assert (status, headers["Location"]) == (302, "/console")


async def test_a_page_may_do_what_it_needs_and_no_more(site):
    _, _, headers = await load(site, "/i/anything")
    policy = dict(
        directive.split(" ", 1) for directive in headers["Content-Security-Policy"].split("; ")
    )
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert policy["style-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
    voice = site.voice.url.removesuffix("/v1")
    ours = site.url.removeprefix("http")
    assert set(policy["connect-src"].split()) == {"'self'", site.url, f"ws{ours}", voice}
    text = headers["Content-Security-Policy"]
    for loose in ("unsafe-inline", "unsafe-eval", "*", "https: ", "http: "):
        assert loose not in text
    assert "microphone=(self)" in headers["Permissions-Policy"]
    assert "camera=()" in headers["Permissions-Policy"]
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Content-Type-Options"] == "nosniff"


async def test_assets_are_compressed_and_kept_for_ever(site):
    path = "/assets/app-1a2b3c4d.js"
    status, plain, headers = await load(site, path)
    assert (status, plain.decode()) == (200, SCRIPT)
    assert headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "Content-Encoding" not in headers
    for accepted in ("gzip", "br, gzip;q=0.5", "*"):
        async with site.http.get(
            site.url + path, headers={"Accept-Encoding": accepted}, auto_decompress=False
        ) as response:
            packed = await response.read()
            assert response.headers["Content-Encoding"] == "gzip"
            assert response.headers["Vary"] == "Accept-Encoding"
    assert gzip.decompress(packed).decode() == SCRIPT
    assert len(packed) < len(plain) / 10
    for refused in ("gzip;q=0", "gzip; q=0.0", "br", ""):
        _, content, headers = await load(site, path, **{"Accept-Encoding": refused})
        assert content == plain
    _, _, headers = await load(site, path)
    again = await load(site, path, **{"If-None-Match": headers["ETag"]})
    assert again[:2] == (304, b"")
    _, sound, headers = await load(
        site, "/assets/chime-5e6f7a8b.ogg", **{"Accept-Encoding": "gzip"}
    )
    assert sound == b"OggS" * 100
    assert headers["Content-Type"] == "audio/ogg"


WAYS_OUT = [
    "/assets/none.js",
    "/assets/",
    "/assets/../index.html",
    "/assets/..%2f..%2fsecret.txt",
    "/assets/%2e%2e/%2e%2e/secret.txt",
    "/assets//etc/passwd",
    "/assets/way-out.txt",
    "/assets/app-1a2b3c4d.js%00.png",
    "/favicon.svg",
    "/index.html",
    "/secret.txt",
]


async def test_no_address_leads_out_of_the_folder(site):
    for path in WAYS_OUT:
        answer = await ask_for(site, path)
        assert re.match(rb"HTTP/1.1 40[04]", answer), (path, answer[:100])
        assert b"Not for you" not in answer
        assert b"root:" not in answer


async def ask_for(site, path):
    """Ask by hand: a client would tidy the address up."""
    host, port = site.url.removeprefix("http://").split(":")

    async with await anyio.connect_tcp(host, int(port)) as stream:
        await stream.send(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        answer = b""
        with anyio.fail_after(10):
            while True:
                try:
                    answer += await stream.receive()
                except anyio.EndOfStream:
                    break
    return answer


async def test_pages_that_are_built_anew_are_served_at_once(site, built):
    await load(site, "/console")
    (built / "assets" / "app-9z.js").write_text("fresh")
    (built / "index.html").write_text("<!doctype html>fresh")
    assert (await load(site, "/console"))[1] == b"<!doctype html>fresh"
    assert (await load(site, "/assets/app-9z.js"))[1] == b"fresh"


async def test_where_nothing_is_built_the_page_says_how(database, admin_dsn, tmp_path: Path):
    async with open_scripted_api(database, admin_dsn, web_folder=tmp_path) as site:
        status, content, headers = await load(site, "/console")
        assert status == 503
        assert b"make web" in content
        assert headers["Content-Type"].startswith("text/html")
        assert "script-src 'self'" in headers["Content-Security-Policy"]
        assert (await site.call("GET", "/assets/any.js")).code == "NOT_FOUND"


async def test_what_a_page_is_asked_for_stands_in_no_metric(site):
    await load(site, "/i/somebody-s-invitation")
    page = (await site.call("GET", "/metrics")).body.decode()
    assert "somebody" not in page
