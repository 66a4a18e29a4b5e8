"""TLS in front of a plain server, as a reverse proxy would put it there."""

import ipaddress
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import anyio
from anyio.abc import ByteReceiveStream, ByteSendStream, SocketStream
from anyio.streams.tls import TLSListener, TLSStream
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def make_certificate(folder: Path) -> Path:
    """Write a certificate for 127.0.0.1 with its key into one file; it vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "tls.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path


@asynccontextmanager
async def tls_before(url: str, certificate: Path) -> AsyncGenerator[str, None]:
    """Take TLS on a port of its own and hand the plain bytes on; give the address of it."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    target = urlsplit(url)

    async def serve(client: TLSStream) -> None:
        async with (
            client,
            await anyio.connect_tcp(target.hostname or "", target.port or 0) as plain,
        ):
            await _splice(client, plain)

    plain_listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    listener = TLSListener(plain_listener, context, standard_compatible=False)
    port = plain_listener.listeners[0].extra(anyio.abc.SocketAttribute.local_port)  # noqa: S610  not Django
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, serve)
        yield f"https://127.0.0.1:{port}"
        tasks.cancel_scope.cancel()
    await listener.aclose()


async def _splice(client: TLSStream, plain: SocketStream) -> None:
    async with anyio.create_task_group() as tasks:
        for source, target in ((client, plain), (plain, client)):
            tasks.start_soon(_copy, source, target, tasks.cancel_scope)


async def _copy(
    source: ByteReceiveStream, target: ByteSendStream, scope: anyio.CancelScope
) -> None:
    try:
        async for piece in source:
            await target.send(piece)
    except (anyio.BrokenResourceError, anyio.ClosedResourceError):
        pass
    scope.cancel()
