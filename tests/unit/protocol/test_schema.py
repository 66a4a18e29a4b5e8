"""The published schemas are those of the code, and say what the code does."""

import json
from datetime import UTC, datetime

import pytest
from jsonschema import Draft202012Validator

from vivavoce.errors import Code, InvalidRequest, SdpExchangeFailed
from vivavoce.protocol import decode, encode
from vivavoce.protocol import messages as m
from vivavoce.protocol.interview_start import InterviewStartRequest
from vivavoce.protocol.problem import problem
from vivavoce.protocol.schema import FOLDER, differences, documents, main, write
from vivavoce.protocol.transcript import Speaker, TranscriptEntry

NOW = datetime(2026, 11, 24, tzinfo=UTC)
TABLES = {"errors.json", "connection.json", "close-codes.json"}


def validator(name):
    return Draft202012Validator(documents()[name])


def test_the_files_are_up_to_date():
    assert differences(FOLDER) == [], "run: python -m vivavoce.protocol.schema --write"


def test_a_changed_a_missing_and_a_leftover_file_are_named(tmp_path, capsys):
    write(tmp_path)
    assert main(["--check", str(tmp_path)]) == 0
    (tmp_path / "errors.json").write_text("{}")
    (tmp_path / "problem.json").unlink()
    (tmp_path / "old.json").write_text("{}")
    assert main(["--check", str(tmp_path)]) == 1
    assert capsys.readouterr().out.count("is out of date") == 3
    assert main(["--write", str(tmp_path)]) == 0
    assert main(["--check", str(tmp_path)]) == 0


@pytest.mark.parametrize("name", sorted(set(documents()) - TABLES))
def test_each_document_is_a_json_schema(name):
    Draft202012Validator.check_schema(documents()[name])


@pytest.mark.parametrize("name", ["client-message.json", "proxy-message.json"])
def test_messages_are_told_apart_by_their_type(name):
    document = documents()[name]
    mapping = document["discriminator"]["mapping"]
    assert document["discriminator"]["propertyName"] == "type"
    for tag, reference in mapping.items():
        shape = document["$defs"][reference.removeprefix("#/$defs/")]
        assert shape["properties"]["type"] == {"enum": [tag]}
        assert "type" in shape["required"]


def test_the_messages_are_the_requirements():
    clients = documents()["client-message.json"]["discriminator"]["mapping"]
    proxies = documents()["proxy-message.json"]["discriminator"]["mapping"]
    assert set(clients) == {"session", "offer", "answer", "ice_candidate"}
    assert set(proxies) == {"session_ready", "transcript", "error", "session_ended"}


ENTRY = TranscriptEntry(
    item_id="i1",
    revision=1,
    previous_item_id=None,
    speaker=Speaker.AI,
    content="Hello.",
    timestamp=NOW,
    final=True,
)


@pytest.mark.parametrize(
    "message",
    [
        m.SessionReadyMessage(
            data=m.SessionReadyData(
                status="ready",
                resumed=False,
                answer=m.SessionDescription("v=0"),
                call_id=None,
                ice_servers=[],
                expires_at=NOW,
                missing=[],
            ),
            timestamp=NOW,
        ),
        m.TranscriptMessage(data=m.TranscriptData(entries=[ENTRY]), timestamp=NOW),
        m.ErrorMessage(
            data=m.ErrorData(code="X", message="x", retryable=True, recovery="none"), timestamp=NOW
        ),
        m.SessionEndedMessage(
            data=m.SessionEndedData(reason=m.EndReason.IDLE, transcript_complete=True),
            timestamp=NOW,
        ),
    ],
    ids=lambda message: type(message).__name__,
)
def test_what_we_send_is_as_published(message):
    validator("proxy-message.json").validate(json.loads(encode(message)))


def test_a_problem_is_as_published():
    sent = problem(SdpExchangeFailed("no answer"), request_id="r")
    validator("problem.json").validate(json.loads(encode(sent)))


def test_a_field_that_nobody_knows_is_refused_by_schema_and_decoder_alike():
    start = documents()["interview-start-request.json"]
    body = {"architecture": "hybrid", "sessionConfg": {}}
    assert start["$defs"]["InterviewStartRequest"]["additionalProperties"] is False
    assert not Draft202012Validator(start).is_valid(body)
    with pytest.raises(InvalidRequest):
        decode(encode(body), InterviewStartRequest)


def test_the_error_table_names_every_code():
    table = documents()["errors.json"]
    assert set(table["errors"]) == set(Code)
    assert all(error["recovery"] in table["recoveries"] for error in table["errors"].values())
    assert all(error["meaning"] for error in table["errors"].values())


def test_the_connection_table_is_the_one_that_clients_load():
    source = json.loads((FOLDER.parents[1] / "src/vivavoce/protocol/connection.json").read_text())
    table = documents()["connection.json"]
    assert {name: table[name] for name in ("initial", "states")} == source
