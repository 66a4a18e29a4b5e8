"""Every promise of SPECIFICATION.md names tests, and every test that it names exists."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEST_ID = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


@cache
def names_in(path):
    tree = ast.parse((ROOT / path).read_text())
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in ast.walk(tree) if isinstance(node, functions)}


def rows():
    lines = (ROOT / "SPECIFICATION.md").read_text().splitlines()
    tables = [line for line in lines if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in tables]
    return [row for row in cells if not re.fullmatch(r"[-: ]+|Promise", row[0])]


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0][:60])
def test_a_promise_is_proven_by_tests_that_exist(row):
    promise, proof = row
    assert promise
    named = TEST_ID.findall(proof)
    assert named, "a promise without a test"
    assert proof.count("`") == 2 * len(named), "something that is no test"
    for path, name in named:
        assert (ROOT / path).is_file(), path
        assert name in names_in(path), f"{path}::{name}"


def test_no_promise_stands_twice():
    promises = [row[0] for row in rows()]
    assert len(promises) == len(set(promises))
    assert promises
