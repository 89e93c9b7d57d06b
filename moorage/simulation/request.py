"""What a user asks to be simulated, read from the words of a command line."""

import re
from pathlib import Path

from moorage.failure import ExitCode, Failure
from moorage.simulation.fault_kinds import FAULT_KINDS
from simulator.faults.plan import Plan, PlanError, from_json

_SEEDS = re.compile(r"(\d+)\.\.(\d+)")


def seeds_named(text: str) -> range:
    """``A..B``, both included. Raises Failure."""
    found = _SEEDS.fullmatch(text.strip())
    if found is None or int(found[1]) > int(found[2]):
        raise _invalid(f"{text!r} names no seeds: give A..B, such as 0..999")
    return range(int(found[1]), int(found[2]) + 1)


def faults_named(text: str) -> frozenset[str]:
    """Codes of faults: ``all``, ``none``, or some with commas between. Raises Failure."""
    if text in ("all", "none"):
        return frozenset(FAULT_KINDS if text == "all" else ())
    named = frozenset(part.strip() for part in text.split(","))
    unknown = sorted(named - FAULT_KINDS.keys())
    if unknown:
        raise _invalid(
            f"no fault is called {', '.join(map(repr, unknown))}",
            f"all, none, or some of {','.join(FAULT_KINDS)}",
        )
    return named


def plan_given(text: str) -> Plan:
    """The plan that ``text`` is, or that is in the file it names. Raises Failure."""
    if not text.lstrip().startswith("{"):
        try:
            text = Path(text).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise _invalid(f"cannot read the plan: {error}") from error
    try:
        return from_json(text)
    except PlanError as error:
        raise _invalid("this is no plan", *str(error).splitlines()) from error


def _invalid(message: str, *details: str) -> Failure:
    return Failure(message, details=details, exit_code=ExitCode.INVALID)
