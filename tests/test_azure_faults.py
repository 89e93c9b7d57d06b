"""The documents on Azure tell of every fault and reason, and name only tests that there are."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from engine.nodes.reason import TERMINAL
from moorage.simulation.fault_kinds import FAULT_KINDS
from tests.engine.nodes.test_refusals import FAULTS

TESTS = Path(__file__).parent
DOCUMENTS = TESTS.parent / "docs"
FAULTS_TOLD = (DOCUMENTS / "azure-faults.md").read_text(encoding="utf-8")
REASONS_TOLD = (DOCUMENTS / "agent-pools.md").read_text(encoding="utf-8")
SIZES = {"A": 18, "B": 15, "C": 13, "D": 10, "E": 15, "F": 13}
NUMBERS = [f"{letter}{number}" for letter, size in SIZES.items() for number in range(1, size + 1)]
ROW = re.compile(r"\| (\w\d+) \| (.*) \| (.*) \| (.*) \|")
ROWS = {found[1]: found for found in map(ROW.fullmatch, FAULTS_TOLD.splitlines()) if found}


@cache
def functions_in(path: str) -> frozenset[str]:
    tree = ast.parse((TESTS / path).read_text(encoding="utf-8"))
    functions = ast.FunctionDef | ast.AsyncFunctionDef
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, functions))


def named(row: str) -> list[str]:
    return re.findall(r"`([^`]+)`", ROWS[row][4])


def test_every_fault_has_its_row_in_order():
    assert len(NUMBERS) == 84
    assert list(ROWS) == NUMBERS


@pytest.mark.parametrize("row", NUMBERS)
def test_every_row_is_held_by_something(row):
    assert named(row) or "judged" in ROWS[row][4]


@pytest.mark.parametrize("row", NUMBERS)
def test_what_is_said_to_hold_a_row_exists(row):
    for name in named(row):
        path, found, test = name.partition("::")
        assert test in functions_in(path) if found else name in FAULT_KINDS, name


@pytest.mark.parametrize("row", [row for row in NUMBERS if "judged" in ROWS[row][4]])
def test_a_row_that_is_judged_has_a_case_of_its_letter(row):
    assert any(row in case.replace(",", "").split() for case in FAULTS)


@pytest.mark.parametrize("reason", sorted(TERMINAL))
def test_every_reason_for_which_claims_fail_is_told(reason):
    assert f"| {reason} |" in REASONS_TOLD
