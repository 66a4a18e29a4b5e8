"""Settings of the voice engine, read once from the environment (prefix `VIVA_ENGINE_`)."""

from pathlib import Path
from typing import Annotated, Final

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

MIN_KEY_CHARACTERS: Final = 16


class EngineSettings(BaseSettings):
    """How the engine serves calls.

    Attributes:
        host: Address of the HTTP server.
        port: Port of the HTTP server; 0 takes a free one.
        api_key: What clients send as bearer. There is no default and no open mode: whoever has
            the key can hold calls and read them.
        max_calls: Calls at once; more are refused with 429.
        max_call_seconds: Length of a call, OpenAI's 60 minutes by default.
        connect_seconds: Time in which a call must connect, else it is freed.
        client_secret_seconds: Life of a client secret that asks for no other.
        loopback_media: Offer audio on 127.0.0.1 alone. True where the HTTP server listens only
            there, unless set.
        public_address: Address to offer to clients in place of the machine's own, for a machine
            behind one-to-one NAT.
        shutdown_seconds: Time for requests in hand when the engine is stopped.
        whisper: Folder of a Whisper model in CTranslate2 form; None takes the bundled tiny.en.
        model_threads: Threads of each speech model.
    """

    model_config = SettingsConfigDict(env_prefix="VIVA_ENGINE_", frozen=True, extra="ignore")

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 8100
    api_key: SecretStr
    max_calls: Annotated[int, Field(ge=1, le=1_000)] = 32
    max_call_seconds: Annotated[float, Field(gt=0, le=86_400)] = 3_600.0
    connect_seconds: Annotated[float, Field(gt=0, le=300)] = 30.0
    client_secret_seconds: Annotated[int, Field(ge=10, le=7_200)] = 600
    loopback_media: bool | None = None
    public_address: str | None = None
    shutdown_seconds: Annotated[int, Field(ge=0, le=60)] = 2
    whisper: Path | None = None
    model_threads: Annotated[int, Field(ge=1, le=16)] = 1

    @field_validator("api_key")
    @classmethod
    def _is_long_enough(cls, key: SecretStr) -> SecretStr:
        text = key.get_secret_value()
        if len(text) < MIN_KEY_CHARACTERS or not text.isascii() or text.startswith("ek_"):
            raise ValueError(
                f"must be at least {MIN_KEY_CHARACTERS} ASCII characters and not start with ek_;"
                " `openssl rand -hex 24` makes a good one"
            )
        return key

    @property
    def media_on_loopback(self) -> bool:
        """Whether audio is offered on 127.0.0.1 alone."""
        if self.loopback_media is not None:
            return self.loopback_media
        return self.host in ("127.0.0.1", "localhost", "::1")
