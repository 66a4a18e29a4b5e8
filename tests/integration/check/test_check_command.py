"""`viva engine --check` as people run it."""

import json

import pytest

from support.engine import engine
from support.viva import Viva, viva

__all__ = ["engine", "viva"]


@pytest.mark.timeout(90)
async def test_a_server_that_holds_is_told_line_by_line(viva: Viva, engine):
    shown = await viva.run("engine", "--check", engine.url, "--api-key", engine.key, "--json")
    report = json.loads(shown.stdout)
    assert [line for line in report["lines"] if line["verdict"] != "green"] == []
    assert report["holds"]
    assert shown.returncode == 0


async def test_a_server_that_does_not_know_the_key_is_red(viva: Viva, engine):
    shown = await viva.run("engine", "--check", engine.url, "--api-key", "not-the-key-of-it")
    assert shown.returncode == 1
    assert b"RED" in shown.stdout
    assert b"offer" in shown.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--check", "nowhere", "--api-key", "x"], 2, b"--check takes a URL"),
        (["--check", "http://127.0.0.1:1"], 2, b"VIVA_ENGINE_API_KEY"),
        (["--check", "http://127.0.0.1:1", "--api-key", "x"], 4, b"Nothing answers"),
        (["--fault", "nonsense"], 2, b"no fault 'nonsense'"),
    ],
)
async def test_wrong_use_is_told(viva: Viva, arguments, code, words):
    shown = await viva.run("engine", *arguments)
    assert shown.returncode == code
    assert words in shown.stderr


async def test_all_faults_are_listed(viva: Viva):
    shown = await viva.run("engine", "--fault", "list")
    assert shown.returncode == 0
    assert b"sideband-404" in shown.stdout
    assert b"red in --check: sideband" in shown.stdout
