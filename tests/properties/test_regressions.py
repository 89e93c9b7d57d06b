"""Plans that once broke a property, each by the name of what has held since."""

from pathlib import Path

import pytest

from moorage.simulation.run import run
from simulator.faults.plan import from_json

PLANS = sorted((Path(__file__).parent / "plans").glob("*.json"))


@pytest.mark.parametrize("path", PLANS, ids=[path.stem for path in PLANS])
def test_what_was_found_once_stays_mended(path: Path) -> None:
    assert run(from_json(path.read_text(encoding="utf-8"))).violations == ()
