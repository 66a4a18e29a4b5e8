"""Settings: one frozen class per program, read once, from the environment and one TOML file.

The environment wins over the file, the file over the defaults. A variable is the field's name in
upper case with the prefix `VIVA_`; the file (`VIVA_CONFIG`, else `<home>/viva.toml`) has the names
in lower case, where a table is the first part of a name:

    port = 8000
    [voice]
    model = "gpt-realtime-2.1"      # VIVA_VOICE_MODEL
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

from pydantic import (
    AliasChoices,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from vivavoce.settings.kinds import (
    Names,
    Port,
    Seconds,
    StunUrls,
    TurnUrls,
    Url,
    reachable,
    turn_secret,
)

PREFIX: Final = "VIVA_"
OPENAI_BASE_URL: Final = "https://api.openai.com/v1"


class SettingsError(ValueError):
    """A setting is wrong. The message names it, its place and what is expected of it."""


def default_home() -> Path:
    """Where state is kept: a system folder for root, else the user's data folder (XDG)."""
    if os.geteuid() == 0:
        return Path("/var/lib/vivavoce")
    return Path(os.environ.get("XDG_DATA_HOME") or "~/.local/share").expanduser() / "vivavoce"


class Settings(BaseSettings):
    """What every program reads."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,
    )

    home: Path = Field(default_factory=default_home, description="Folder for all state.")
    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="The least that is logged."
    )
    log_format: Literal["auto", "json", "console"] = Field(
        default="auto", description="`auto`: for people at a terminal, else JSON."
    )
    log_personal_data: bool = Field(
        default=False, description="Keep personal data in logs. For debugging only."
    )

    @field_validator("home")
    @classmethod
    def _absolute(cls, home: Path) -> Path:
        return home.expanduser().absolute()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment before the file, the file before the defaults."""
        del dotenv_settings, file_secret_settings
        home = init_settings().get("home")
        values = read_file(config_path(Path(home) if home else None))
        known = {name: value for name, value in values.items() if name in cls.model_fields}
        return init_settings, env_settings, InitSettingsSource(settings_cls, known)


class EngineSettings(Settings):
    """`viva engine`: the local voice engine."""

    engine_host: str = Field(default="127.0.0.1", description="Address the engine listens on.")
    engine_port: Port = Field(default=8100, description="Port of the engine; 0 for any free one.")
    engine_api_key: SecretStr | None = Field(
        default=None,
        description="Key that callers of the engine must have, of 16 characters or more.",
    )
    engine_max_calls: int | None = Field(
        default=None,
        ge=1,
        le=1000,
        description="Calls at once; more are refused with 429. None: 5 for each processor.",
    )
    engine_max_queue_seconds: Seconds = Field(
        default=0.8, description="Calls are refused while turns wait longer to be transcribed."
    )
    engine_max_connections: int = Field(
        default=1000, ge=10, le=60_000, description="Open sockets; more are closed at once."
    )
    engine_max_call_seconds: Seconds = Field(
        default=3600.0, description="Length at which a call ends, as at OpenAI."
    )
    engine_connect_seconds: Seconds = Field(
        default=30.0, description="Time in which a call must connect, else it is freed."
    )
    engine_silent_seconds: Seconds = Field(
        default=25.0, description="Silence of the network after which a client counts as gone."
    )
    engine_client_secret_seconds: int = Field(
        default=600, ge=10, le=7200, description="Life of a client secret that asks for no other."
    )
    engine_loopback_media: bool | None = Field(
        default=None,
        description="Offer audio on 127.0.0.1 alone; none: if the engine listens only there.",
    )
    engine_reachable_address: str | None = Field(
        default=None, description="Public address to offer for audio, where it differs (NAT)."
    )
    engine_stun_servers: StunUrls = Field(default=(), description="STUN URLs for the engine.")
    engine_turn_servers: TurnUrls = Field(default=(), description="TURN URLs for the engine.")
    engine_turn_secret: SecretStr | None = Field(
        default=None, validate_default=True, description="Secret shared with the engine's TURN."
    )
    engine_drain_seconds: float = Field(
        default=20.0, ge=0, le=86_400, description="Time for live calls when the engine is to stop."
    )
    engine_shutdown_seconds: int = Field(
        default=2, ge=0, le=60, description="Time for requests in hand when the engine stops."
    )
    engine_whisper: Path | None = Field(
        default=None, description="Folder of a Whisper model (CTranslate2); none: tiny.en."
    )
    engine_model_threads: int = Field(
        default=1, ge=1, le=16, description="Threads of each speech model."
    )
    llm_base_url: Url | None = Field(
        default=None, description="A chat API up to `/v1` that words questions; none: the plan's."
    )
    llm_model: str | None = Field(default=None, description="Its model; needed with llm_base_url.")
    llm_api_key: SecretStr | None = Field(default=None, description="Key for llm_base_url.")
    llm_timeout: Seconds = Field(
        default=1.5, description="Seconds for a wording; then the plan's own words are spoken."
    )

    engine_faults: Names = Field(
        default=(), description="Faults to make on purpose; `viva engine --fault list` has them."
    )

    @field_validator("engine_turn_secret")
    @classmethod
    def _is_aturn_secret(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        return turn_secret(value, info.data.get("engine_turn_servers", ()))

    @field_validator("engine_api_key")
    @classmethod
    def _is_a_good_key(cls, key: SecretStr | None) -> SecretStr | None:
        text = key.get_secret_value() if key else "x" * 16
        if len(text) < 16 or not text.isascii() or text.startswith("ek_"):  # noqa: PLR2004
            raise ValueError(
                "should be at least 16 ASCII characters and not start with ek_;"
                " `openssl rand -hex 24` makes a good one"
            )
        return key

    @property
    def most_calls(self) -> int:
        """Calls at once."""
        return self.engine_max_calls or 5 * (os.cpu_count() or 1)

    @property
    def media_on_loopback(self) -> bool:
        """Whether audio is offered on 127.0.0.1 alone."""
        if self.engine_loopback_media is not None:
            return self.engine_loopback_media
        return self.engine_host in ("127.0.0.1", "localhost", "::1")


class ServerSettings(Settings):
    """`viva up` and `viva api`: the control plane with its database, machines and voice model."""

    port: Port = Field(default=8000, description="Port of the API and the web pages.")
    public_url: Url | None = Field(
        default=None, description="Where browsers reach the API, if not at host and port."
    )
    control_url: Url | None = Field(
        default=None, description="Where machines reach the API, if not at host and port."
    )
    allowed_origins: Names = Field(
        default=(), description="Further origins of web pages that may open a session."
    )
    web_folder: Path | None = Field(
        default=None, description="Folder of built pages to serve; none: the package's own."
    )
    organisation: str = Field(
        default="the organisation that runs this site",
        min_length=1,
        description="Who invites candidates, as they read it.",
    )
    database_url: SecretStr | None = Field(
        default=None, description="Any Postgres from 15 on; none: an own one under home."
    )
    database_admin_url: SecretStr | None = Field(
        default=None, description="The same database as its owner, for migrations."
    )
    database_max_connections: int = Field(default=10, ge=2, le=200, description="Pool size.")

    voice_base_url: Url | None = Field(
        default=None, description="A Realtime API up to `/v1`; none: OpenAI or the local engine."
    )
    voice_api_key: SecretStr | None = Field(default=None, description="Key for voice_base_url.")
    openai_api_key: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices("OPENAI_API_KEY", "openai_api_key"),
        description="Use OpenAI's Realtime API (variable OPENAI_API_KEY).",
    )
    voice_model: str = Field(default="gpt-realtime-2.1", description="The interviewer.")
    voice_transcription_model: str = Field(
        default="gpt-transcribe", description="What writes down the candidate's words."
    )
    voice_name: str = Field(default="marin", description="Voice, where a start names none.")
    voice_timeout: Seconds = Field(default=10.0, description="Seconds for an SDP answer.")

    machine_provider: Literal["process"] = Field(
        default="process", description="What runs the sessions' machines."
    )
    require_isolation: bool = Field(
        default=False, description="Refuse to start sessions on machines without isolation."
    )
    regions: Names = Field(
        default=("local",), min_length=1, description="Region labels, the preferred one first."
    )
    warm_machines: int = Field(
        default=1, ge=0, le=100, description="Unclaimed machines kept ready in each region."
    )
    machine_start_timeout: Seconds = Field(
        default=10.0, description="Seconds for a machine to become ready."
    )

    stun_servers: StunUrls = Field(default=(), description="STUN URLs for clients.")
    turn_servers: TurnUrls = Field(default=(), description="TURN URLs for clients.")
    turn_secret: SecretStr | None = Field(
        default=None, validate_default=True, description="Secret shared with TURN (coturn's REST)."
    )

    max_concurrent_sessions: int = Field(
        default=100, ge=1, le=100_000, description="At once, for a tenant without its own limit."
    )
    idle_timeout: Seconds = Field(default=120.0, description="Seconds without speech.")
    heartbeat_timeout: Seconds = Field(
        default=60.0, description="Seconds in which a lost client may come back."
    )
    token_issuer: str = Field(default="vivavoce", description="`iss` of our tokens.")
    signing_keys: SecretStr | None = Field(default=None, description="JWKS of our private keys.")
    supabase_jwt_secret: SecretStr | None = Field(
        default=None, description="HS256 secret of a Supabase project whose users we accept."
    )

    @field_validator("turn_secret")
    @classmethod
    def _is_aturn_secret(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        return turn_secret(value, info.data.get("turn_servers", ()))

    @field_validator("supabase_jwt_secret")
    @classmethod
    def _is_long(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value().encode()) < 32:  # noqa: PLR2004
            raise ValueError("should be at least 32 bytes long (RFC 7518 §3.2)")
        return value

    @property
    def origin(self) -> str:
        """Where browsers reach the API."""
        return self.public_url or f"http://{reachable(self.host)}:{self.port}"

    @property
    def machine_origin(self) -> str:
        """Where machines reach the API."""
        return self.control_url or f"http://{reachable(self.host)}:{self.port}"

    @property
    def voice(self) -> "VoiceEndpoint | None":
        """The voice model to call; None where the local engine is to be started."""
        if self.voice_base_url is not None:
            return VoiceEndpoint(self.voice_base_url, self.voice_api_key or SecretStr(""))
        if self.openai_api_key is not None and self.openai_api_key.get_secret_value():
            return VoiceEndpoint(OPENAI_BASE_URL, self.openai_api_key)
        return None


@dataclass(frozen=True, slots=True)
class VoiceEndpoint:
    """A Realtime API: its address up to `/v1`, and the key."""

    base_url: str
    api_key: SecretStr


S = TypeVar("S", bound=Settings)


def load(program: type[S], **overrides: Any) -> S:
    """Read the settings of a program.

    Args:
        program: Its class.
        overrides: Values that come before everything else, such as command line options.

    Raises:
        SettingsError: If one is wrong. The message never repeats a secret.
    """
    try:
        return program(**overrides)
    except ValidationError as error:
        raise SettingsError("\n".join(map(_complaint, error.errors()))) from None


def config_path(home: Path | None = None) -> Path:
    """The settings file, whether it exists or not."""
    named = os.environ.get(f"{PREFIX}CONFIG")
    if named:
        return Path(named).expanduser()
    return Path(os.environ.get(f"{PREFIX}HOME") or home or default_home()) / "viva.toml"


def read_file(path: Path) -> Mapping[str, Any]:
    """Read a settings file; tables are joined to names. A file that is not there is empty.

    Raises:
        SettingsError: If it cannot be read, or holds a name that no program has.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        if os.environ.get(f"{PREFIX}CONFIG"):
            raise SettingsError(f"{PREFIX}CONFIG: there is no file {path}.") from None
        return {}
    except (OSError, UnicodeError) as error:
        raise SettingsError(f"{path}: cannot be read ({type(error).__name__}).") from None
    try:
        values = dict(_flat(tomllib.loads(text)))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: is not TOML: {error}.") from None
    fields = {*ServerSettings.model_fields, *EngineSettings.model_fields}
    unknown = sorted(set(values) - fields)
    if unknown:
        raise SettingsError(f"{path}: there is no setting {', '.join(unknown)}.")
    return values


def unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """Variables with our prefix that no program reads: most likely misspelt."""
    fields = {*ServerSettings.model_fields, *EngineSettings.model_fields}
    known = {f"{PREFIX}{name.upper()}" for name in fields} | {f"{PREFIX}CONFIG"}
    return sorted(name for name in environment if name.startswith(PREFIX) and name not in known)


def _flat(table: Mapping[str, Any], prefix: str = "") -> Mapping[str, Any]:
    values: dict[str, Any] = {}
    for key, value in table.items():
        if isinstance(value, dict):
            values.update(_flat(value, f"{prefix}{key}_"))
        else:
            values[f"{prefix}{key}"] = value
    return values


def _complaint(error: Any) -> str:
    """One line: which variable, and what is expected; never the value."""
    name = str(error["loc"][0]) if error["loc"] else "settings"
    variable = name if name == "OPENAI_API_KEY" else f"{PREFIX}{name.upper()}"
    source = "environment" if os.environ.get(variable) else "settings file"
    expected = error["msg"].removeprefix("Value error, ")
    return f"{variable} ({source}): {expected[:1].lower()}{expected[1:]}"
