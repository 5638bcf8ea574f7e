"""SECURITY.md claims nothing that no test shows."""

from __future__ import annotations

import ast
import re

import pytest

from tests.documents import ROOT

PAGE = (ROOT / "SECURITY.md").read_text()
ROWS = re.findall(r"^\| (.+?) \| (.+?) \| (.+?) \|$", PAGE.partition("## Attack, layer, test")[2], re.MULTILINE)[2:]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_every_attack_is_carried_out(row: tuple[str, str, str]) -> None:
    """By tests that are there, under the names that the page gives."""
    named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", row[2])
    assert len(named) == row[2].count("`") / 2 > 0
    for file, test in named:
        nodes = ast.walk(ast.parse((ROOT / file).read_text()))
        assert test in {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_there_are_attacks() -> None:
    """The table is found."""
    assert len(ROWS) > 20
