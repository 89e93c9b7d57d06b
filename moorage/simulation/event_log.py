"""A history as a log: one line for each event, in fixed columns.

What is routine is left out: reads that went well, requests whose effect the commit beside them
shows, what the cluster writes without anything becoming different, and kinds that only repeat what
others say.
"""

from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass

from simulator.checkers.reading import is_deleting, is_true, phase, status
from simulator.history import (
    Asked,
    Call,
    Commit,
    Defect,
    History,
    Milestone,
    Record,
    Rpc,
    Started,
    StreamMessage,
    Struck,
    workspace_of,
)
from simulator.kubernetes.objects import ChangeType
from simulator.kubernetes.status import Object

ROUTINE_KINDS = frozenset({"Lease", "Event", "Endpoints", "EndpointSlice", "ControllerRevision"})
_OPERATIONS = {
    ChangeType.ADDED: "created",
    ChangeType.MODIFIED: "changed",
    ChangeType.DELETED: "removed",
}
HTTP_OK = range(200, 300)
CLUSTER = "cluster"
"""The actor of controllers, kubelets and the cloud."""

NEVER = 0
"""The status of a call that was never answered, or never carried out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """The columns of one event; ``move`` is from which state its object went to which."""

    at: float
    actor: str = ""
    workspace: str = ""
    move: str = ""
    operation: str = ""
    object: str = ""
    revision: str = ""
    result: str = ""
    fault: str = ""


HEADERS = ("t", "actor", "workspace", "state", "op", "object", "RV", "result", "fault")


def log_lines(history: History, *, everything: bool = False) -> list[Line]:
    return [
        line
        for record in sorted(history.records, key=lambda one: one.at)
        if everything or not _routine(record)
        for line in _lines(record)
    ]


def around(lines: Sequence[Line], at: float, *, before: int = 30, after: int = 5) -> list[Line]:
    """The last so many lines up to an instant, and the first so many after it."""
    cut = sum(line.at <= at for line in lines)
    return list(lines[max(0, cut - before) : cut + after])


def text_lines(lines: Sequence[Line]) -> Iterator[str]:
    """With their headers; each column as wide as its widest cell."""
    rows = [HEADERS, *(cells(line) for line in lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADERS))]
    for row in rows:
        padded = (
            cell.rjust(width) if column == 0 else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield "  ".join(padded).rstrip()


def cells(line: Line) -> tuple[str, ...]:
    at, *rest = astuple(line)
    return (f"{at:.3f}", *rest)


def _routine(record: Record) -> bool:
    match record:
        case Commit():
            return record.now["kind"] in ROUTINE_KINDS or _says_nothing_new(record)
        case Call():
            told_the_truth = record.status == record.carried_out
            missing = record.verb == "get" and record.status == 404  # noqa: PLR2004
            return told_the_truth and (record.status in HTTP_OK or missing)
        case StreamMessage():
            return record.event in {"progress", "synced"}
    return False


def _lines(record: Record) -> Iterator[Line]:
    match record:
        case Commit():
            yield _commit(record)
        case Call():
            yield _call(record)
        case Rpc():
            yield _rpc(record)
        case StreamMessage():
            yield _message(record)
        case Struck():
            fault = f"{record.code} (element {record.element})"
            yield Line(at=record.at, object=record.target, operation="fault", fault=fault)
        case Asked():
            yield Line(
                at=record.at, actor="user", workspace=record.workspace, operation=record.what
            )
        case Started():
            yield Line(at=record.at, actor=record.process, operation=record.what)
        case Defect():
            yield Line(at=record.at, actor=record.actor, operation="DEFECT", result=record.what)
        case Milestone():
            yield Line(at=record.at, operation=record.name)


def _says_nothing_new(commit: Commit) -> bool:
    same = commit.type is ChangeType.MODIFIED and not _move(commit)
    return same and commit.actor == CLUSTER and not _begins_to_go(commit)


def _commit(commit: Commit) -> Line:
    operation = "deletes" if _begins_to_go(commit) else _OPERATIONS[commit.type]
    return Line(
        at=commit.at,
        actor=commit.actor,
        workspace=_workspace(commit.now),
        move=_move(commit),
        operation=operation,
        object=_place(commit.now["kind"], commit.now["metadata"]["name"]),
        revision=str(commit.revision),
    )


def _begins_to_go(commit: Commit) -> bool:
    """Marked for deletion; it goes when its finalizers and its grace period have."""
    before = commit.before or commit.now
    return is_deleting(commit.now) and not is_deleting(before)


def _move(commit: Commit) -> str:
    """``Pending→Planning`` where the change led from one state to another, else ""."""
    if commit.before is None or commit.type is ChangeType.DELETED:
        return ""
    before, after = state(commit.before), state(commit.now)
    return f"{before}→{after}" if before != after else ""


def state(obj: Object) -> str:
    """A workspace's phase; of what serves it, whether that is ready; "" of all else."""
    match obj["kind"]:
        case "Workspace":
            return phase(obj)
        case "Pod" if is_true(obj, "Ready"):
            return "Ready"
        case "Pod":
            return str(status(obj).get("phase", ""))
        case "Node" | "NodeClaim":
            return "Ready" if is_true(obj, "Ready") else "NotReady"
        case "StatefulSet":
            wanted = obj.get("spec", {}).get("replicas", 1)
            return f"{status(obj).get('readyReplicas', 0)}/{wanted}"
    return ""


def _call(call: Call) -> Line:
    place = _place(call.kind, call.name, call.subresource)
    return Line(
        at=call.at,
        actor=call.actor,
        workspace=_workspace_of_call(call),
        operation=call.verb,
        object=place,
        revision=str(call.revision or ""),
        result=_result(call),
    )


def _result(call: Call) -> str:
    told = str(call.status) if call.status != NEVER else "no answer"
    told += f" {call.reason}" if call.reason else ""
    if call.status == call.carried_out:
        return told
    truth = str(call.carried_out) if call.carried_out != NEVER else "not carried out"
    return f"{told} (truly {truth})"


def _rpc(rpc: Rpc) -> Line:
    name = str(rpc.request.get("name", ""))
    return Line(
        at=rpc.at,
        actor=rpc.client,
        workspace=name.rpartition("/")[2],
        operation=rpc.method,
        object="gRPC",
        result=rpc.code,
    )


def _message(message: StreamMessage) -> Line:
    return Line(
        at=message.at,
        actor=message.client,
        workspace=message.name.rpartition("/")[2],
        operation=message.event,
        object=f"Watch {message.stream}",
        result=message.cursor,
    )


def _workspace(obj: Object) -> str:
    owner = workspace_of(obj)
    return owner[1] if owner else ""


def _workspace_of_call(call: Call) -> str:
    """As far as the request itself says; patches name nothing but what they change."""
    if call.kind == "Workspace":
        return call.name
    body = call.body or {}
    return _workspace(body) if {"kind", "metadata"} <= body.keys() else ""


def _place(kind: str, name: str, subresource: str = "") -> str:
    return "/".join(part for part in (kind, name, subresource) if part)
