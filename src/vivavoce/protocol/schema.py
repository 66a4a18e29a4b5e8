"""JSON Schema of every shape on the wire, and the tables that go with them, for other languages.

python -m vivavoce.protocol.schema --write     # after a change of a shape
python -m vivavoce.protocol.schema --check     # whether docs/schema is up to date
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from vivavoce.errors import ERRORS, HTTP_STATUS, RECOVERY, Code, Recovery
from vivavoce.protocol import (
    connection,
    interview_start,
    interviews,
    machine,
    messages,
    organisation,
    problem,
    realtime,
    sessions,
)
from vivavoce.protocol import transcript as transcripts

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
FOLDER: Final = Path(__file__).parents[3] / "docs" / "schema"

RECEIVED: Final[Mapping[str, Any]] = {
    "client-message": messages.ClientMessage,
    "interview-start-request": interview_start.InterviewStartRequest,
    "transcript-event": transcripts.TranscriptEvent,
    "transcript-batch": transcripts.TranscriptBatch,
    "machine-command": machine.MachineCommand,
    "machine-reports": machine.MachineReports,
    "session-token-request": sessions.SessionTokenRequest,
    "call-request": sessions.CallRequest,
    "end-request": sessions.EndRequest,
    "event-request": sessions.EventRequest,
    "interview-draft": interviews.InterviewDraft,
    "invitation-request": interviews.InvitationRequest,
    "secret-request": interviews.SecretRequest,
    "consent-request": interviews.ConsentRequest,
    "sound-check-request": interviews.SoundCheckRequest,
    "realtime-server-event": realtime.ServerEvent,
}
"""What we accept: a field with a default may be left out."""
SENT: Final[Mapping[str, Any]] = {
    "proxy-message": messages.ProxyMessage,
    "interview-start-response": interview_start.InterviewStartResponse,
    "session-token-response": interview_start.SessionTokenResponse,
    "transcript-receipt": transcripts.TranscriptReceipt,
    "machine-command-reply": machine.CommandReply,
    "session-view": sessions.SessionView,
    "session-page": sessions.SessionPage,
    "event-receipt": sessions.EventReceipt,
    "event-list": sessions.EventList,
    "machine-list": sessions.MachineList,
    "interview-view": interviews.InterviewView,
    "interview-preview": interviews.InterviewPreview,
    "interview-page": interviews.InterviewPage,
    "invitation-view": interviews.InvitationView,
    "invitation-created": interviews.InvitationCreated,
    "invitation-page": interviews.InvitationPage,
    "invitation-welcome": interviews.InvitationWelcome,
    "consent-view": interviews.ConsentView,
    "sound-check-servers": interviews.SoundCheckServers,
    "sound-check-answer": interviews.SoundCheckAnswer,
    "access-token-response": interviews.AccessTokenResponse,
    "organisation-view": organisation.OrganisationView,
    "problem": problem.Problem,
}
"""What we answer: a field that is always written is always there."""


def documents() -> dict[str, dict[str, Any]]:
    """Every document by its file's name."""
    schemas = {name: _schema(name, shape) for name, shape in RECEIVED.items()}
    schemas |= {name: _all_written(_schema(name, shape), shape) for name, shape in SENT.items()}
    tables = {"errors": _errors(), "connection": _connection(), "close-codes": _close_codes()}
    return {f"{name}.json": document for name, document in sorted({**schemas, **tables}.items())}


def _schema(name: str, shape: Any) -> dict[str, Any]:
    (root,), components = msgspec.json.schema_components([shape], ref_template="#/$defs/{name}")
    return {
        "$schema": DIALECT,
        "$id": f"urn:vivavoce:schema:{name}",
        **root,
        "$defs": dict(sorted(components.items())),
    }


def _all_written(schema: dict[str, Any], shape: Any) -> dict[str, Any]:
    """Require the fields that have a default but are never left out when written."""
    written = _structs(msgspec.inspect.type_info(shape))
    for name, component in schema["$defs"].items():
        struct = written.get(name)
        if struct is not None and not struct.__struct_config__.omit_defaults:
            component["required"] = list(component["properties"])
    return schema


def _structs(info: Any) -> dict[str, type[msgspec.Struct]]:
    """Every struct that a type is made of, by name."""
    found: dict[str, type[msgspec.Struct]] = {}
    waiting = [info]
    while waiting:
        current = waiting.pop()
        if isinstance(current, msgspec.inspect.StructType):
            if current.cls.__name__ in found:
                continue
            found[current.cls.__name__] = current.cls
            waiting.extend(field.type for field in current.fields)
        elif isinstance(current, msgspec.inspect.UnionType):
            waiting.extend(current.types)
        elif isinstance(current, msgspec.inspect.ListType):
            waiting.append(current.item_type)
        elif isinstance(current, msgspec.inspect.DictType):
            waiting.append(current.value_type)
        elif isinstance(current, msgspec.inspect.Metadata):
            waiting.append(current.type)
    return found


def _errors() -> dict[str, Any]:
    return {
        "recoveries": [recovery.value for recovery in Recovery],
        "errors": {
            code.value: {
                "recovery": RECOVERY[code].value,
                "retryable": ERRORS[code]("").retryable,
                "status": HTTP_STATUS[code],
                "meaning": (ERRORS[code].__doc__ or "").strip(),
            }
            for code in Code
        },
    }


def _connection() -> dict[str, Any]:
    return {
        "initial": connection.INITIAL.value,
        "events": [event.value for event in connection.ConnectionEvent],
        "states": {
            status.value: {
                event.value: following.value
                for event, following in connection.TRANSITIONS[status].items()
            }
            for status in connection.ConnectionStatus
        },
    }


def _close_codes() -> dict[str, Any]:
    return {code.name: code.value for code in messages.CloseCode}


def rendered() -> dict[str, str]:
    """Every document as the text of its file."""
    return {
        name: json.dumps(document, indent=2, ensure_ascii=False) + "\n"
        for name, document in documents().items()
    }


def differences(folder: Path) -> list[str]:
    """Names of the files that are missing, left over or out of date."""
    wanted = rendered()
    held = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.json")}
    return sorted(name for name in wanted.keys() | held if wanted.get(name) != held.get(name))


def write(folder: Path) -> None:
    """Bring a folder up to date."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = rendered()
    for path in folder.glob("*.json"):
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        folder.joinpath(name).write_text(text, encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the documents, or check them: 1 if they are out of date."""
    parser = argparse.ArgumentParser(prog="python -m vivavoce.protocol.schema", description=__doc__)
    act = parser.add_mutually_exclusive_group(required=True)
    act.add_argument("--write", action="store_true", help="bring the files up to date")
    act.add_argument("--check", action="store_true", help="say which files are out of date")
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER)
    options = parser.parse_args(arguments)
    if options.write:
        write(options.folder)
        return 0
    changed = differences(options.folder)
    for name in changed:
        sys.stdout.write(f"{options.folder / name} is out of date\n")
    return 1 if changed else 0


if __name__ == "__main__":
    sys.exit(main())
