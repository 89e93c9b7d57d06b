"""Q: what the gRPC API owes its clients, judged from what they were told."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from simulator.checkers.case import Case
from simulator.checkers.property import Breach
from simulator.checkers.reading import generation, is_api, is_deleting, uid
from simulator.history import Commit, Rpc, StreamMessage
from simulator.kubernetes.objects import ChangeType

OK = "OK"
ALREADY_EXISTS = "ALREADY_EXISTS"
CREATE, UPDATE = "CreateWorkspace", "UpdateWorkspace"
DELETE, RETRY = "DeleteWorkspace", "RetryWorkspace"
GET, LIST = "GetWorkspace", "ListWorkspaces"
CHANGES = frozenset({CREATE, UPDATE, DELETE, RETRY})
DEFINITIVE = frozenset(
    {
        "INVALID_ARGUMENT",
        "NOT_FOUND",
        "ALREADY_EXISTS",
        "PERMISSION_DENIED",
        "FAILED_PRECONDITION",
        "OUT_OF_RANGE",
        "UNIMPLEMENTED",
    }
)
"""Codes after which a client gives up: nothing came of the call, and nothing will."""

Told = Mapping[str, Any]


def resource_name(rpc: Rpc) -> str:
    """``namespaces/…/workspaces/…``, whichever way the request says it."""
    request = rpc.request
    if rpc.method == CREATE:
        return f"{request.get('parent')}/workspaces/{request.get('workspaceId')}"
    return str(request.get("name") or (request.get("workspace") or {}).get("name") or "")


def changes_something(rpc: Rpc) -> bool:
    return rpc.method in CHANGES and not rpc.request.get("validateOnly")


def workspaces_told(rpc: Rpc) -> list[Told]:
    """The stored workspaces that an answer shows."""
    if rpc.code != OK or rpc.response is None or rpc.request.get("validateOnly"):
        return []
    if rpc.method == LIST:
        return list(rpc.response.get("workspaces") or ())
    told = rpc.response.get("workspace")
    return [told] if told and told.get("uid") else []


def revision(told: Told) -> int:
    return int(told.get("etag") or 0)


class DurableAcknowledgement:
    """Q1. Remembers every version that was stored of each workspace."""

    def __init__(self) -> None:
        self._stored: dict[str, set[int]] = {}

    def __call__(self, case: Case, record: Commit | Rpc) -> Iterator[Breach]:
        if isinstance(record, Commit):
            self._stored.setdefault(uid(record.now), set()).add(record.revision)
            return
        if not changes_something(record):
            return
        for told in workspaces_told(record):
            if revision(told) not in self._stored.get(told["uid"], set()):
                yield Breach(
                    resource_name(record),
                    f"{record.method} was answered OK with version {told.get('etag')}",
                    "no such version was ever stored",
                )
            yield from _not_deleted(case, record, told)


def _not_deleted(case: Case, rpc: Rpc, told: Told) -> Iterator[Breach]:
    life = case.lives.get(told["uid"])
    if rpc.method != DELETE or life is None:
        return
    if life.died is None and not is_deleting(life.workspace):
        yield Breach(resource_name(rpc), "its deletion was acknowledged", "it was not asked for")


class Idempotency:
    """Q2. Remembers each request id's request and its answer, and what the API wrote.

    Asked again after a restart, the API tells how the workspace is by now.
    """

    def __init__(self) -> None:
        self._first: dict[str, tuple[Told, Told | None]] = {}
        self._written: set[tuple[str, int]] = set()

    def __call__(self, case: Case, record: Commit | Rpc) -> Iterator[Breach]:
        if isinstance(record, Commit):
            if is_api(record.actor):
                self._written.add((uid(record.now), record.revision))
            return
        rpc, request_id = record, record.request.get("requestId")
        if rpc.code == ALREADY_EXISTS:
            yield from self._in_its_own_way(case, rpc)
        if not request_id or rpc.code != OK or not changes_something(rpc):
            return
        request, answer = self._first.setdefault(request_id, (rpc.request, rpc.response))
        if rpc.request != request:
            yield Breach(
                resource_name(rpc),
                f"request id {request_id} stands for another request",
                f"{rpc.method} was answered OK under it",
            )
        elif rpc.response != answer and not self._grown(answer, rpc.response):
            yield Breach(
                resource_name(rpc),
                f"request {request_id} was answered with {_in_short(answer)}",
                f"again, it was answered with {_in_short(rpc.response)}",
            )

    def _in_its_own_way(self, case: Case, rpc: Rpc) -> Iterator[Breach]:
        """What this very request has made stands there, untouched by any other since."""
        request, answer = self._first.get(rpc.request.get("requestId", ""), ({}, None))
        made = (answer or {}).get("workspace") or {} if rpc.request == request else {}
        life = case.lives.get(made.get("uid", ""))
        if life is not None and life.died is None and generation(life.workspace) == 1:
            yield Breach(
                resource_name(rpc),
                f"the request was answered with {_in_short(answer)}",
                "again, it was told that someone's is in the way",
            )

    def _grown(self, first: Told | None, again: Told | None) -> bool:
        """The same workspace, in a later version that somebody other than the API wrote."""
        before, now = (first or {}).get("workspace") or {}, (again or {}).get("workspace") or {}
        if not before or before.get("uid") != now.get("uid"):
            return False
        version = revision(now)
        return version > revision(before) and (now["uid"], version) not in self._written


def _in_short(response: Told | None) -> str:
    told = (response or {}).get("workspace") or {}
    return f"uid {told.get('uid')}, version {told.get('etag')}" if told else "nothing"


@dataclass(slots=True)
class Answers:
    """When each version of a workspace was told, in the order of the answers."""

    at: list[float] = field(default_factory=list)
    newest: list[int] = field(default_factory=list)
    """The newest version told until then."""

    def add(self, at: float, version: int) -> None:
        self.at.append(at)
        self.newest.append(max(version, self.newest[-1] if self.newest else 0))

    def before(self, instant: float) -> int:
        """The newest version that had been told before an instant, 0 where none had."""
        place = bisect_left(self.at, instant)
        return self.newest[place - 1] if place else 0


class Linearizability:
    """Q3. Remembers the versions that anybody was told.

    Versions are totally ordered, so it is enough that nobody who asks later is told of an earlier
    one, and that what is said not to exist did not exist all the time.
    """

    def __init__(self) -> None:
        self._told: dict[str, Answers] = {}

    def __call__(self, case: Case, rpc: Rpc) -> Iterator[Breach]:
        for told in workspaces_told(rpc):
            newest = self._told.get(told["uid"], Answers()).before(rpc.at)
            if revision(told) < newest and not rpc.request.get("requestId"):
                yield _stale(rpc, told, newest, "somebody")
            self._told.setdefault(told["uid"], Answers()).add(rpc.until, revision(told))
        if rpc.method == GET and rpc.code == "NOT_FOUND":
            yield from _existed(case, rpc)


def _existed(case: Case, rpc: Rpc) -> Iterator[Breach]:
    _, namespace, _, name = [*resource_name(rpc).split("/"), "", "", "", ""][:4]
    life = case.at(("Workspace", namespace, name))
    if life is not None and life.born < rpc.at:
        yield Breach(
            resource_name(rpc), f"it exists since {life.born:.2f}", f"at {rpc.at:.2f} it did not"
        )


class ReadYourWrites:
    """Q4. Remembers the versions that each client was told in answer to its own changes."""

    def __init__(self) -> None:
        self._written: dict[tuple[str, str], Answers] = {}

    def __call__(self, _: Case, rpc: Rpc) -> Iterator[Breach]:
        for told in workspaces_told(rpc):
            key = (rpc.client, str(told["uid"]))
            if changes_something(rpc):
                self._written.setdefault(key, Answers()).add(rpc.until, revision(told))
                continue
            newest = self._written.get(key, Answers()).before(rpc.at)
            if revision(told) < newest:
                yield _stale(rpc, told, newest, rpc.client)


def _stale(rpc: Rpc, told: Told, newest: int, whom: str) -> Breach:
    return Breach(
        str(told.get("name")),
        f"before {rpc.at:.3f}, {whom} was told of version {newest}",
        f"{rpc.method} after that told {rpc.client} of version {told.get('etag')}",
    )


@dataclass(slots=True)
class Place:
    """How far a stream has come: up to ``revision``; ``of_snapshot`` where that is its newest."""

    revision: int
    of_snapshot: bool


class GaplessStream:
    """Q5. Remembers the workspaces' commits, and how far each cursor stands for.

    A snapshot's own revision is not told; it is at least that of its newest workspace.
    """

    def __init__(self) -> None:
        self._commits: list[tuple[int, str, str, bool]] = []
        """Revision, uid, resource name, and whether it was the last."""
        self._streams: dict[int, Place | None] = {}
        self._cursors: dict[str, Place | None] = {"": None}

    def __call__(self, _: Case, record: Commit | StreamMessage) -> Iterator[Breach]:
        if isinstance(record, Commit):
            metadata = record.now["metadata"]
            name = f"namespaces/{metadata['namespace']}/workspaces/{metadata['name']}"
            gone = record.type is ChangeType.DELETED
            insort(self._commits, (record.revision, uid(record.now), name, gone))
        elif record.event == "opened":
            self._streams[record.stream] = self._cursors.get(record.cursor)
        elif record.event in ("changed", "removed"):
            yield from self._take(record)
        if isinstance(record, StreamMessage) and record.cursor:
            self._cursors[record.cursor] = self._streams.get(record.stream)

    def _take(self, message: StreamMessage) -> Iterator[Breach]:
        now = revision(message.workspace or {})
        place = self._streams.get(message.stream)
        in_snapshot = not message.cursor
        if in_snapshot:
            newest = max(now, place.revision if place else 0)
            self._streams[message.stream] = Place(newest, of_snapshot=True)
            return
        if place is not None:
            yield from self._between(message, place, now)
        self._streams[message.stream] = Place(now, of_snapshot=False)

    def _between(self, message: StreamMessage, place: Place, now: int) -> Iterator[Breach]:
        subject = f"stream of {message.client}"
        if now <= place.revision:
            yield Breach(
                subject, f"it had come to version {place.revision}", f"it then told of {now}"
            )
            return
        first = bisect_right(self._commits, (place.revision, "~", "", False))
        missed = self._commits[first : bisect_left(self._commits, (now, "", "", False))]
        unknown = {uid for _, uid, _, gone in missed if gone} if place.of_snapshot else set()
        scope = message.name.rpartition("/")[0]
        for version, whose, name, _ in missed:
            if whose not in unknown and name.startswith(f"{scope}/"):
                yield Breach(
                    subject,
                    f"version {version} of {name} lies between {place.revision} and {now}",
                    "it was not told of it",
                )


class StatusHonesty:
    """Q6. Remembers which workspaces the API made, and which request ids asked for each.

    Two requests for one name at a time cannot be told apart, and are left alone; so is what has
    gone since.
    """

    def __init__(self) -> None:
        self._made: dict[str, list[tuple[float, str]]] = {}
        self._asked: dict[str, list[Rpc]] = {}

    def __call__(self, case: Case, record: Commit | Rpc) -> Iterator[Breach]:
        if isinstance(record, Commit):
            if record.type is ChangeType.ADDED and is_api(record.actor):
                metadata = record.now["metadata"]
                name = f"namespaces/{metadata['namespace']}/workspaces/{metadata['name']}"
                self._made.setdefault(name, []).append((record.at, uid(record.now)))
            return
        if record.method != CREATE or record.request.get("validateOnly"):
            return
        asked = self._asked.setdefault(resource_name(record), [])
        asked.append(record)
        if record.code in DEFINITIVE:
            yield from self._judge(case, record, asked)

    def _judge(self, case: Case, rpc: Rpc, asked: list[Rpc]) -> Iterator[Breach]:
        request_id = rpc.request.get("requestId")
        same = [one for one in asked if one is rpc or one.request.get("requestId") == request_id]
        if any(one.code == OK for one in same):
            return
        for at, made in self._made.get(resource_name(rpc), ()):
            if case.lives[made].died is not None:
                continue
            of_ours = [one for one in same if one.at <= at <= one.until]
            of_any = [one for one in asked if one.at <= at <= one.until]
            if of_ours and len(of_any) == len(of_ours):
                yield Breach(
                    resource_name(rpc),
                    f"request {request_id} made it at {at:.2f}",
                    f"it was told {rpc.code}, as if nothing had come of it",
                )
