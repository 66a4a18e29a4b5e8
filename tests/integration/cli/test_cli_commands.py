"""The small commands: what they print, and how they fail."""

import socket

import pytest

from support.viva import Viva, viva  # noqa: F401  a fixture
from vivavoce import tokens
from vivavoce.cli.home import TENANT_ID
from vivavoce.control.keys import signing_keys
from vivavoce.errors import AuthenticationFailed


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["demo", "--help"],
        ["up", "--help"],
        ["engine", "--help"],
        ["token", "--help"],
        ["console", "--help"],
        ["accent", "--help"],
        ["interviews", "--help"],
        ["sessions", "--help"],
        ["db", "--help"],
    ],
)
async def test_help_has_examples(viva: Viva, arguments: list[str]):  # noqa: F811
    shown = await viva.run(*arguments)
    assert shown.returncode == 0
    assert b"Examples:" in shown.stdout


async def test_a_token_is_signed_with_the_keys_of_the_home(viva: Viva):  # noqa: F811
    shown = await viva.run("token", "--ttl", "60")
    token = shown.stdout.decode().strip()
    verifier = tokens.Verifier(signing_keys(viva.home).public())
    identity = verifier.verify(token, audiences=[tokens.ACCESS])
    assert identity.tenant_id == TENANT_ID
    assert identity.expires_at - identity.issued_at == 60
    with pytest.raises(AuthenticationFailed):
        tokens.Verifier(tokens.generate_keys().public()).verify(token, audiences=[tokens.ACCESS])


async def test_configuration_is_shown_without_its_secrets(viva: Viva):  # noqa: F811
    shown = await viva.run(
        "config",
        "show",
        OPENAI_API_KEY="sk-very-secret-key",
        VIVA_IDLE_TIMEOUT="90",
        VIVA_PROT="1",
    )
    assert shown.returncode == 0
    assert b"sk-very-secret-key" not in shown.stdout + shown.stderr
    assert any(b"VIVA_IDLE_TIMEOUT" in line and b"90" in line for line in shown.stdout.splitlines())
    assert b"VIVA_PROT" in shown.stderr, "a typing mistake is pointed out"


@pytest.mark.parametrize(
    ("arguments", "variables", "code", "words"),
    [
        (["up"], {"VIVA_PORT": "eighty"}, 2, b"VIVA_PORT"),
        (["demo", "--answers", "/nowhere"], {}, 2, b"/nowhere"),
        (["sessions", "list"], {}, 4, b"viva up"),
        (["sessions", "show", "x"], {}, 4, b"viva up"),
        (["token"], {"VIVA_HOME": "/proc/nowhere"}, 3, b"VIVA_HOME"),
        (["engine"], {"VIVA_ENGINE_API_KEY": "short"}, 2, b"VIVA_ENGINE_API_KEY"),
    ],
)
async def test_failures_have_a_code_and_say_what_to_do(
    viva: Viva,  # noqa: F811
    arguments: list[str],
    variables: dict[str, str],
    code: int,
    words: bytes,
):
    failed = await viva.run(*arguments, **variables)
    assert failed.returncode == code, failed.stderr
    assert words in failed.stderr
    assert b"Traceback" not in failed.stderr


async def test_a_taken_port_is_said_so(viva: Viva):  # noqa: F811
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        failed = await viva.run("up", VIVA_PORT=str(taken.getsockname()[1]))
    assert failed.returncode == 3
    assert b"VIVA_PORT" in failed.stderr
    await viva.until_nothing_runs()


async def test_the_doctor_finds_this_machine_fit(viva: Viva):  # noqa: F811
    examined = await viva.run("doctor")
    assert examined.returncode == 0, examined.stdout
    for name in (b"database", b"speech", b"machines", b"isolation"):
        assert name in examined.stdout
    await viva.until_nothing_runs()
