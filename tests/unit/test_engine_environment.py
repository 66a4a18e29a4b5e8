"""What the engine, which reads what strangers send, is given of our environment."""

import pytest
from pydantic import SecretStr

from vivavoce.cli.stack import DatabaseAddress, _api_program, _engine_program
from vivavoce.settings import ServerSettings, VoiceEndpoint

SECRETS = [
    "OPENAI_API_KEY",
    "VIVA_DATABASE_URL",
    "VIVA_DATABASE_ADMIN_URL",
    "VIVA_SIGNING_KEYS",
    "VIVA_SUPABASE_JWT_SECRET",
    "VIVA_TURN_SECRET",
]


@pytest.fixture
def environment(monkeypatch, tmp_path):
    settings = ServerSettings(home=tmp_path)
    for name in SECRETS:
        monkeypatch.setenv(name, "secret")
    monkeypatch.setenv("VIVA_ENGINE_MAX_CALLS", "3")
    monkeypatch.setenv("VIVA_LOG_LEVEL", "DEBUG")
    voice = VoiceEndpoint("http://127.0.0.1:8100/v1", SecretStr("engine-key"))
    return _engine_program(settings, voice).environment


def test_the_engine_gets_no_secret_but_its_own_key(environment):
    assert environment["VIVA_ENGINE_API_KEY"] == "engine-key"
    assert "secret" not in environment.values()


def test_the_chat_endpoint_is_the_engines_alone(monkeypatch, tmp_path):
    chat = {"VIVA_LLM_BASE_URL": "http://127.0.0.1:11434/v1", "VIVA_LLM_API_KEY": "chat-key"}
    for name, value in chat.items():
        monkeypatch.setenv(name, value)
    settings = ServerSettings(home=tmp_path)
    voice = VoiceEndpoint("http://127.0.0.1:8100/v1", SecretStr("engine-key"))
    assert chat.items() <= _engine_program(settings, voice).environment.items()
    api = _api_program(settings, DatabaseAddress("dsn", "admin"), voice)
    assert not chat.keys() & api.environment.keys()


def test_the_engine_gets_its_own_settings(environment):
    assert environment["VIVA_ENGINE_MAX_CALLS"] == "3"
    assert environment["VIVA_LOG_LEVEL"] == "DEBUG"
    assert environment["PATH"]
