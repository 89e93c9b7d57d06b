"""What Azure's refusals mean, as a Markdown table."""

from collections.abc import Iterator

from engine.nodes.refusals import (
    BY_STATUS,
    BY_TELLING_CODE,
    BY_WRAPPING_CODE,
    OPERATION_NOT_ALLOWED,
    Course,
    Verdict,
)

COURSES = {
    Course.GIVE_UP: "give up: only an operator can help",
    Course.OTHER_OFFERING: "another size, zone or capacity type may be had",
    Course.WAIT: "wait: it is no failure",
    Course.ADOPT: "look at the pool: it may be our own",
    Course.CHANGED: "look at the pool, and decide again",
    Course.RETRY: "try again",
    Course.SLOW_RETRY: "try again, a few times, minutes apart",
}


def refusal_table() -> str:
    lines = ["| Azure says | reason | course |", "|---|---|---|"]
    lines += [
        f"| {said} | {verdict.reason} | {COURSES[verdict.course]} |" for said, verdict in _rows()
    ]
    return "\n".join(lines)


def _rows() -> Iterator[tuple[str, Verdict]]:
    for code, verdict in BY_TELLING_CODE.items():
        yield f"`{code}`", verdict
    for status, verdict in OPERATION_NOT_ALLOWED.items():
        yield f"`OperationNotAllowed`, {_when(status)}", verdict
    for code, verdict in BY_WRAPPING_CODE.items():
        yield f"`{code}` around nothing above", verdict
    for status, verdict in BY_STATUS.items():
        yield f"any other code, {_when(status)}", verdict


def _when(status: int) -> str:
    return "late" if status == 200 else str(status)  # noqa: PLR2004 - HTTP's own number
