"""The pages: the candidate's room at `/i/…` and the recruiter's console at `/console`.

They are files that were built into the package; every address of a page gives the same document,
and its script does the rest. Files are found by name among those that exist, so that no address
leads out of the folder.
"""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from litestar import HttpMethod, Response, route
from litestar.params import FromPath
from litestar.response import Redirect

from vivavoce.api.context import AnyRequest, ApiParts
from vivavoce.api.freshness import is_known
from vivavoce.api.pages import INDEX, StaticFile
from vivavoce.control.plane import ControlPlane
from vivavoce.errors import NotFound

ASSETS: Final = "assets"
_READ: Final = (HttpMethod.GET, HttpMethod.HEAD)
_FOR_EVER: Final = "public, max-age=31536000, immutable"
_NOT_BUILT: Final = b"""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Vivavoce</title>
<h1>The pages are not built</h1>
<p>The API works. Its pages come with an installed package; in a checkout, build them with
<code>make web</code> and load this page again.</p>
</html>
"""


@route(["/i", "/i/{rest:path}", "/console", "/console/{rest:path}"], http_method=_READ)
async def show_page(request: AnyRequest, api: ApiParts) -> Response[bytes]:
    """Any page: the one document. Nobody may keep it, as it names the files of one build."""
    headers = page_headers(api.plane)
    file = await api.pages.find(INDEX)
    if file is None:
        return Response(
            content=_NOT_BUILT, status_code=503, media_type="text/html", headers=headers
        )
    return _send(request, file, {**headers, "cache-control": "no-store"})


@route(f"/{ASSETS}/{{name:path}}", http_method=_READ)
async def show_asset(request: AnyRequest, name: FromPath[str], api: ApiParts) -> Response[bytes]:
    """A script, style or sound of the pages. Its name has a hash in it: it never changes."""
    file = await api.pages.find(f"{ASSETS}/{name.lstrip('/')}")
    if file is None:
        raise NotFound("There is no such file.")
    return _send(request, file, {"cache-control": _FOR_EVER})


@route("/favicon.svg", http_method=_READ)
async def show_icon(request: AnyRequest, api: ApiParts) -> Response[bytes]:
    """The icon of the pages."""
    file = await api.pages.find("favicon.svg")
    if file is None:
        raise NotFound("There is no such file.")
    return _send(request, file, {"cache-control": "public, max-age=3600"})


@route("/", http_method=_READ)
async def show_root() -> Redirect:
    """Whoever names no page is most likely a recruiter."""
    return Redirect("/console")


PAGES: Final = (show_page, show_asset, show_icon, show_root)


def page_headers(plane: ControlPlane) -> dict[str, str]:
    """What a page may do: load its own files, use the microphone, talk to us and the voice model.

    Source: Content Security Policy Level 3; Permissions Policy. WebRTC is not covered by either:
    the addresses of STUN and TURN need no leave.
    """
    origin = plane.origin
    socket_origin = f"ws{origin.removeprefix('http')}"
    connects = dict.fromkeys(["'self'", origin, socket_origin, _origin(plane.voice.calls_url)])
    policy = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "font-src": "'self'",
        "media-src": "'self' blob:",
        "worker-src": "'self'",
        "manifest-src": "'self'",
        "connect-src": " ".join(connects),
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    headers = {
        "content-security-policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "permissions-policy": "microphone=(self), camera=(), display-capture=(), geolocation=(),"
        " payment=(), usb=()",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "cross-origin-opener-policy": "same-origin",
        "cache-control": "no-store",
    }
    if origin.startswith("https:"):
        headers["strict-transport-security"] = "max-age=31536000"
    return headers


def _send(request: AnyRequest, file: StaticFile, headers: Mapping[str, str]) -> Response[bytes]:
    sent = {**headers, "etag": file.etag, "x-content-type-options": "nosniff"}
    content = file.content
    if file.compressed is not None:
        sent["vary"] = "Accept-Encoding"
        if _takes_gzip(request.headers.get("accept-encoding", "")):
            sent["content-encoding"] = "gzip"
            content = file.compressed
    if is_known(request, file.etag):
        return Response(content=b"", status_code=304, media_type=file.media_type, headers=sent)
    return Response(content=content, media_type=file.media_type, headers=sent)


def _takes_gzip(accepted: str) -> bool:
    """Whether `Accept-Encoding` has gzip, and not as refused (RFC 9110 §12.5.3)."""
    for part in accepted.split(","):
        coding, _, weight = part.partition(";")
        if coding.strip().lower() in ("gzip", "*"):
            return weight.replace(" ", "").rstrip(".0") not in ("q=", "q")
    return False


def _origin(url: str) -> str:
    parts: Any = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
