"""Settings: where each comes from, and what is said about a bad one."""

import os

import pytest
from pydantic import ValidationError

from vivavoce.cli.config_command import describe
from vivavoce.settings import (
    OPENAI_BASE_URL,
    EngineSettings,
    ServerSettings,
    SettingsError,
    load,
    unknown_variables,
)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    for name in list(os.environ):
        if name.startswith(("VIVA_", "OPENAI_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("VIVA_HOME", str(tmp_path))
    return tmp_path


def test_the_environment_wins_over_the_file_and_the_file_over_the_defaults(home, monkeypatch):
    (home / "viva.toml").write_text('port = 8001\nlog_level = "DEBUG"\n')
    monkeypatch.setenv("VIVA_PORT", "8002")
    settings = load(ServerSettings)
    assert (settings.port, settings.log_level, settings.host) == (8002, "DEBUG", "127.0.0.1")
    assert load(ServerSettings, port=8003).port == 8003


def test_tables_of_the_file_are_the_first_part_of_a_name(home):
    (home / "viva.toml").write_text('[voice]\nmodel = "m"\n[engine]\nport = 8101\n')
    assert load(ServerSettings).voice_model == "m"
    assert load(EngineSettings).engine_port == 8101


def test_a_file_can_be_named(tmp_path, monkeypatch):
    path = tmp_path / "other.toml"
    path.write_text("port = 8004")
    monkeypatch.setenv("VIVA_CONFIG", str(path))
    assert load(ServerSettings).port == 8004
    path.unlink()
    with pytest.raises(SettingsError, match="VIVA_CONFIG: there is no file"):
        load(ServerSettings)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("prot = 1", "there is no setting prot"),
        ("port = ", "is not TOML"),
        (
            "port = 70000",
            r"VIVA_PORT \(settings file\): input should be less than or equal to 65535",
        ),
        ('public_url = "nowhere"', r"VIVA_PUBLIC_URL \(settings file\): should be a URL"),
    ],
)
def test_a_bad_file_is_explained(home, text, complaint):
    (home / "viva.toml").write_text(text)
    with pytest.raises(SettingsError, match=complaint):
        load(ServerSettings)


def test_every_bad_value_is_named_with_its_place_and_never_repeated(monkeypatch):
    monkeypatch.setenv("VIVA_PORT", "eighty")
    monkeypatch.setenv("VIVA_SUPABASE_JWT_SECRET", "too-short-a-secret")
    with pytest.raises(SettingsError) as refused:
        load(ServerSettings)
    message = str(refused.value)
    assert message.count("(environment)") == 2
    assert "VIVA_PORT" in message
    assert "VIVA_SUPABASE_JWT_SECRET" in message
    assert "too-short-a-secret" not in message
    assert refused.value.__cause__ is None


def test_an_empty_variable_is_none_at_all(monkeypatch):
    monkeypatch.setenv("VIVA_PORT", "")
    monkeypatch.setenv("OPENAI_API_KEY", "")
    settings = load(ServerSettings)
    assert settings.port == 8000
    assert settings.voice is None


def test_several_words_are_separated_by_commas(monkeypatch):
    monkeypatch.setenv("VIVA_REGIONS", "ams, fra,,")
    assert load(ServerSettings).regions == ("ams", "fra")
    monkeypatch.setenv("VIVA_REGIONS", " , ")
    with pytest.raises(SettingsError, match="VIVA_REGIONS"):
        load(ServerSettings)


def test_openais_key_alone_means_openai(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1")
    voice = load(ServerSettings).voice
    assert voice is not None
    assert (voice.base_url, voice.api_key.get_secret_value()) == (OPENAI_BASE_URL, "sk-1")


def test_a_named_voice_model_wins_over_openais_key(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1")
    monkeypatch.setenv("VIVA_VOICE_BASE_URL", "http://127.0.0.1:8100/v1/")
    monkeypatch.setenv("VIVA_VOICE_API_KEY", "sk-2")
    voice = load(ServerSettings).voice
    assert voice is not None
    assert voice.base_url == "http://127.0.0.1:8100/v1"
    assert voice.api_key.get_secret_value() == "sk-2"


def test_without_either_the_local_engine_is_meant():
    assert load(ServerSettings).voice is None


def test_origins_are_reachable_and_can_be_set(monkeypatch):
    monkeypatch.setenv("VIVA_HOST", "::")
    assert load(ServerSettings).origin == "http://127.0.0.1:8000"
    monkeypatch.setenv("VIVA_PUBLIC_URL", "https://interviews.example/")
    monkeypatch.setenv("VIVA_CONTROL_URL", "http://10.0.0.1:8000")
    assert load(ServerSettings).origin == "https://interviews.example"
    assert load(ServerSettings).machine_origin == "http://10.0.0.1:8000"


SECRETS = {
    "VIVA_DATABASE_URL": "postgres://user:hidden-1@db/x",
    "VIVA_VOICE_API_KEY": "hidden-2",
    "OPENAI_API_KEY": "hidden-3",
    "VIVA_TURN_SECRET": "hidden-4",
    "VIVA_SIGNING_KEYS": "hidden-6",
    "VIVA_SUPABASE_JWT_SECRET": "hidden-5" * 8,
}


def test_settings_are_listed_with_their_source_and_without_secrets(home, monkeypatch):
    (home / "viva.toml").write_text("port = 8001")
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    settings = load(ServerSettings)
    listed = {setting.variable: setting for setting in describe(settings)}
    assert listed["VIVA_PORT"].source == "file"
    assert listed["VIVA_HOME"].source == "environment"
    assert listed["VIVA_HOST"].source == "default"
    assert all(listed[name].value == "(set, hidden)" for name in SECRETS)
    assert "hidden-" not in repr(list(listed.values())) + repr(settings) + str(settings)
    assert all(setting.description for setting in listed.values())


def test_settings_are_read_once():
    settings = load(ServerSettings)
    with pytest.raises(ValidationError):
        settings.port = 1  # type: ignore[misc]


def test_misspelt_variables_are_found():
    names = {
        "VIVA_PRT": "1",
        "VIVA_PORT": "1",
        "VIVA_ENGINE_PORT": "1",
        "VIVA_CONFIG": "x",
        "X": "1",
    }
    assert unknown_variables(names) == ["VIVA_PRT"]
