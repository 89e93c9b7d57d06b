"""The checked-in stubs are those of the protos, and the protos keep buf's rules."""

import subprocess
import sys
from pathlib import Path

import pytest

from api.generate import generate

ROOT = Path(__file__).parents[2]
BUF = Path(sys.executable).with_name("buf")


def _modules(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.glob("*.py*")}


def test_stubs_are_fresh(tmp_path: Path):
    generate(tmp_path)
    assert _modules(ROOT / "api" / "v1") == _modules(tmp_path), "run `python -m api.generate`"


def _buf(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [BUF, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(
    "arguments", [("lint",), ("format", "--diff", "--exit-code")], ids=["lint", "format"]
)
def test_protos_keep_the_rules(arguments: tuple[str, ...]):
    outcome = _buf(*arguments)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


def test_protos_do_not_break_clients_of_the_main_branch():
    known = subprocess.run(
        ["git", "cat-file", "-e", "main:buf.yaml"], cwd=ROOT, capture_output=True, check=False
    )
    if known.returncode != 0:
        pytest.skip("no main branch with protos to compare with")
    outcome = _buf("breaking", "--against", ".git#branch=main")
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
