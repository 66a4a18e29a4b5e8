"""Logs: JSON lines, or for people at a terminal; never a token, never what anybody said.

    log = structlog.get_logger()
    log.info("transcript entry stored", item_id=entry.item_id, bytes=len(entry.content))

Values under a key with a `pii` segment (`pii`, `pii.email`, `candidate.pii`) are personal data and
dropped unless the operator asks for them. Tokens are blotted out wherever they appear.
"""

import logging
import re
import sys
from collections.abc import Generator, MutableMapping
from contextlib import contextmanager
from typing import Any, Final, Literal, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

LogFormat = Literal["auto", "json", "console"]
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]

REDACTED: Final = "[redacted]"
_SECRETS: Final = re.compile(
    # A JWT, wherever it stands; our own and OpenAI's keys; bearer credentials; URL parameters.
    r"eyJ[\w-]{8,}\.[\w-]+\.[\w-]*"
    r"|\b(?:sk|ek)[-_][\w-]{8,}"
    r"|(?<=\bbearer\.)[\w.~+/=-]{8,}"
    r"|(?<=\bbearer )[\w.~+/=-]{8,}"
    r"|(?<=[?&]token=)[^&\s\"'#]+"
    r"|(?<=[?&]apikey=)[^&\s\"'#]+"
    r"|(?<=[?&]access_token=)[^&\s\"'#]+"
    r"|(?<=[?&]credential=)[^&\s\"'#]+"
    r"|(?<=://)[^/@\s:]*:[^/@\s]+(?=@)",
    re.IGNORECASE,
)
_QUIET: Final = ("aioice", "aiortc", "asyncio", "websockets")


def configure_logs(
    *,
    level: LogLevel = "INFO",
    format: LogFormat = "auto",  # noqa: A002  the setting is called so
    personal_data: bool = False,
    stream: TextIO | None = None,
) -> None:
    """Send every log of this process, the libraries' included, through one chain.

    Args:
        level: The least that is written.
        format: `auto` writes for people where the stream is a terminal, else JSON.
        personal_data: Keep values under `pii` keys.
        stream: Where to; standard error if None.
    """
    target = sys.stderr if stream is None else stream
    is_console = format == "console" or (format == "auto" and target.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        *([] if personal_data else [drop_personal_data]),
        redact,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    renderer: Processor = (
        structlog.dev.ConsoleRenderer(
            colors=target.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
        if is_console
        else structlog.processors.JSONRenderer()
    )
    handler = logging.StreamHandler(target)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
            foreign_pre_chain=shared,
        )
    )
    _route_standard_logging(handler, level)


def _route_standard_logging(handler: logging.Handler, level: LogLevel) -> None:
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name, logger in logging.root.manager.loggerDict.items():
        if isinstance(logger, logging.Logger) and name.split(".")[0] == "uvicorn":
            logger.handlers.clear()
            logger.propagate = True
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(root.level, logging.WARNING))


@contextmanager
def bound(**values: Any) -> Generator[None, None, None]:
    """Put values such as `session_id` on every line that is logged inside the block."""
    with structlog.contextvars.bound_contextvars(**values):
        yield


def drop_personal_data(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Take out every value under a key with a `pii` segment, at any depth."""
    return _without_personal_data(event)


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Blot out tokens and keys in every text, at any depth."""
    for key, value in event.items():
        if not key.startswith("_"):
            event[key] = _redacted(value)
    return event


def redact_text(text: str) -> str:
    """Blot out tokens, keys and passwords in a text."""
    return _SECRETS.sub(REDACTED, text)


def _without_personal_data(values: MutableMapping[str, Any]) -> dict[str, Any]:
    return {
        key: _without_personal_data(value) if isinstance(value, dict) else value
        for key, value in values.items()
        if not (isinstance(key, str) and "pii" in key.split("."))
    }


def _redacted(value: Any) -> Any:
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, dict):
        return {key: _redacted(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_redacted(inner) for inner in value]
    if isinstance(value, Exception | bytes):
        return redact_text(repr(value))
    return value
