"""S: what engines must never do to the cluster, judged at the commit or call that does it.

Whether what they say is true is in ``honesty``, what they owe to others in ``neighbours``.
"""

import re
from collections.abc import Iterator

from engine.lifecycle import TRANSITIONS
from simulator.azure.nodes import pool_of
from simulator.checkers.case import Case, Life, Span, asked_for
from simulator.checkers.property import Breach
from simulator.checkers.reading import (
    begins_deletion,
    claim_names,
    controllers,
    drops_finalizer,
    is_deleting,
    is_engine,
    name,
    owner_uid,
    phase,
    planned_nodes,
    ref,
    rolled_out,
    status,
    uid,
    version,
)
from simulator.history import Call, Commit, Place, workspace_of
from simulator.kubernetes.objects import ChangeType
from simulator.kubernetes.status import Object
from simulator.wire.sent import AGENT_POOL

GARBAGE_SECONDS = 600.0
UNDER_WAY_SECONDS = 2.0
"""A request that was decided on in time may be carried out so much later."""

SILENCE_SECONDS = 8.0
"""A little less than what engines bear: it is stored a moment after it is noticed."""
POOL_NAME = re.compile(r"[a-z][a-z0-9]{0,11}")
REPEATED_DELETES = 3

_LEGAL = {
    (row.source.value, row.destination.value) for row in TRANSITIONS if row.destination is not None
}
_HISTORY_LENGTH = 32
_OK = range(200, 300)
_INVALID = 422


def s1_no_orphan_at_death(case: Case, commit: Commit) -> Iterator[Breach]:
    if commit.type is not ChangeType.DELETED:
        return
    life = case.lives[uid(commit.now)]
    if life.stripped:
        return
    for left in life.owned.values():
        came, maker = life.came.get(uid(left), (float("-inf"), ""))
        if maker != commit.actor and commit.at - came <= UNDER_WAY_SECONDS:
            continue  # others made it after all was looked through; it may not stay for long (S2)
        yield Breach(
            life.ref,
            "a workspace goes last, after everything that was made for it",
            f"it is gone, and {left['kind']} {name(left)} is still there",
        )


def s2_no_orphan_for_long(case: Case) -> Iterator[Breach]:
    for life in case.lives.values():
        if life.died is None:
            continue
        alone = case.now - max(life.died, case.healed or 0.0)
        for left in life.owned.values():
            if alone > GARBAGE_SECONDS:
                yield Breach(
                    f"{left['kind']} {name(left)}",
                    f"what belongs to nobody is gone after {GARBAGE_SECONDS:.0f} s",
                    f"its workspace {life.ref} ({life.uid}) went {alone:.0f} s ago, faults aside",
                )


def s3_single_ownership(case: Case, commit: Commit) -> Iterator[Breach]:
    obj = commit.now
    subject = f"{obj['kind']} {ref(obj)}"
    if obj["kind"] == "Workspace":
        yield from _shared_nodes(case, commit)
        return
    if len(controllers(obj)) > 1:
        names = ", ".join(f"{owner['kind']} {owner['uid']}" for owner in controllers(obj))
        yield Breach(subject, "one owner controls an object", f"these do: {names}")
    if not is_engine(commit.actor):
        return
    before = owner_uid(commit.before) if commit.before is not None else ""
    if before and owner_uid(obj) != before:
        yield Breach(subject, f"it was made for {before}", f"it became {owner_uid(obj)}'s")
    life = case.lives.get(owner_uid(obj))
    if commit.type is ChangeType.ADDED and life is not None:
        named = workspace_of(obj)
        if named is not None and "/".join(named) != life.ref:
            yield Breach(subject, f"it was made for {life.ref}", f"its labels name {named}")


def _shared_nodes(case: Case, commit: Commit) -> Iterator[Breach]:
    told = status(commit.now).get("workerNodes")
    if commit.before is None or not told or told == status(commit.before).get("workerNodes"):
        return
    for other in case.present():
        shared = set(told) & set(status(other.workspace).get("workerNodes") or ())
        if shared and other.uid != uid(commit.now):
            yield Breach(
                ref(commit.now),
                "a node serves one workspace",
                f"{', '.join(sorted(shared))} is said to serve {other.ref} too",
            )


def s4_provisioning_cap(case: Case, commit: Commit) -> Iterator[Breach]:
    life = case.life_of(commit.now)
    if commit.type is not ChangeType.ADDED or life is None:
        return
    standing = [name(claim) for claim in life.of("NodeClaim") if not is_deleting(claim)]
    if len(standing) > planned_nodes(life.workspace):
        yield Breach(
            life.ref,
            f"its plan asks for {planned_nodes(life.workspace)} node(s)",
            f"{len(standing)} node claims are asked for: {', '.join(sorted(standing))}",
        )


_GIVEN_UP_SECONDS = 30.0
"""A client that has heard nothing for so long asks no more; its request may still be on its way."""


def _over(call: Call) -> float:
    """When the client was done with it."""
    return call.until if call.status else min(call.until, call.at + _GIVEN_UP_SECONDS)


_MAKING = frozenset({"create", "delete"})
"""What changes whether there is a claim; its machine writes to it all along."""


class OneOperationPerClaim:
    """S5. Remembers the calls that change each node claim."""

    def __init__(self) -> None:
        self._latest: dict[tuple[str, str], Call] = {}
        self._repeated: dict[str, int] = {}

    def __call__(self, case: Case, call: Call) -> Iterator[Breach]:
        if not (is_engine(call.actor) and call.verb in _MAKING and call.carried_out in _OK):
            return
        subject = f"NodeClaim {call.name}"
        earlier = self._latest.get((call.actor, call.name))
        self._latest[call.actor, call.name] = call
        if earlier is not None and call.at < _over(earlier) and earlier.at < _over(call):
            yield Breach(
                subject,
                f"{call.actor} does one thing at a time to it",
                f"{earlier.verb} ({earlier.at:.2f} to {earlier.until:.2f}) and {call.verb} "
                f"({call.at:.2f} to {call.until:.2f}) overlap",
            )
        yield from self._restarted(case, call)

    def _restarted(self, case: Case, call: Call) -> Iterator[Breach]:
        claim = case.history.objects.get(("NodeClaim", "", call.name))
        if call.verb != "delete" or claim is None:
            return
        self._repeated[uid(claim)] = self._repeated.get(uid(claim), 0) + 1
        if self._repeated[uid(claim)] > REPEATED_DELETES:
            yield Breach(
                f"NodeClaim {call.name}",
                "a deletion under way is left to finish",
                f"it was asked for {self._repeated[uid(claim)]} times",
            )


def s6_legal_transitions(_: Case, commit: Commit) -> Iterator[Breach]:
    before, now = commit.before, commit.now
    if before is None or commit.type is not ChangeType.MODIFIED:
        return
    told, earlier = status(now).get("history") or [], status(before).get("history") or []
    source, destination = phase(before), phase(now)
    if source == destination:
        if told != earlier:
            yield Breach(ref(now), f"it stayed in {source}", "its history changed all the same")
        return
    if (source, destination) not in _LEGAL:
        yield Breach(
            ref(now), f"the table has no way from {source} to {destination}", "it was taken"
        )
    if not is_engine(commit.actor):
        yield Breach(ref(now), "engines alone move the machine", f"{commit.actor} moved it")
    latest = (told[-1]["from"], told[-1]["to"]) if told else ("", "")
    if latest != (source, destination) or told[:-1] != earlier[-(_HISTORY_LENGTH - 1) :]:
        yield Breach(
            ref(now),
            f"{source} to {destination} is added to its history of {len(earlier)}",
            f"its history of {len(told)} ends with {latest[0]} to {latest[1]}",
        )


def s7_saved_before_acted(case: Case, commit: Commit) -> Iterator[Breach]:
    if commit.type is not ChangeType.ADDED or not is_engine(commit.actor):
        return
    life = case.life_of(commit.now)
    subject = f"{commit.now['kind']} {ref(commit.now)}"
    if life is None:
        yield Breach(subject, "what an engine makes names its workspace", "no such workspace is")
    elif not asked_for(life, commit.now):
        yield Breach(
            subject,
            f"{life.ref} stands in {phase(life.workspace)}, attempt "
            f"{status(life.workspace).get('attempt', 1)}, and never asked for it",
            f"{commit.actor} made it",
        )


def s8_identity_precondition(_: Case, call: Call) -> Iterator[Breach]:
    if not (is_engine(call.actor) and call.carried_out in _OK):
        return
    subject, body = f"{call.kind} {call.name}", call.body or {}
    if call.verb == "delete":
        if not (body.get("preconditions") or {}).get("uid"):
            yield Breach(subject, "a delete names the uid it was decided on", "this one names none")
    elif call.kind == "Workspace" and call.writes and not call.subresource and not _guard(call):
        yield Breach(subject, "a write names the version it was decided on", "it named none")


class GuardedStatus:
    """S9. Remembers of every workspace when its latest versions were replaced, and by whom.

    Any number of engines may run: no lease fences them, the version each write names does.
    """

    remembered = 64

    def __init__(self) -> None:
        self._replaced: dict[Place, dict[str, tuple[float, str]]] = {}

    def __call__(self, _: Case, record: Commit | Call) -> Iterator[Breach]:
        if isinstance(record, Commit):
            self._remember(record)
        elif is_engine(record.actor) and record.subresource == "status":
            yield from self._judge(record)

    def _remember(self, commit: Commit) -> None:
        if commit.before is None:
            return
        replaced = self._replaced.setdefault(commit.place, {})
        replaced[version(commit.before)] = (commit.at, commit.actor)
        if len(replaced) > self.remembered:
            del replaced[next(iter(replaced))]

    def _judge(self, call: Call) -> Iterator[Breach]:
        if not call.writes or call.carried_out not in _OK:
            return
        subject, based_on = f"{call.namespace}/{call.name}", _guard(call)
        if not based_on:
            yield Breach(subject, "a status write names the version it meets", "it named none")
            return
        place = (call.kind, call.namespace, call.name)
        at, by = self._replaced.get(place, {}).get(based_on, (call.at, ""))
        if at < call.at:
            yield Breach(
                subject,
                f"{by} replaced version {based_on} at {at:.2f}",
                f"{call.actor}'s write of it, sent at {call.at:.2f}, was accepted",
            )


def _guard(call: Call) -> str:
    return str(((call.body or {}).get("metadata") or {}).get("resourceVersion", ""))


def s10_fresh_basis_for_destruction(case: Case, commit: Commit) -> Iterator[Breach]:
    if not is_engine(commit.actor):
        return
    if commit.now["kind"] == "Workspace":
        if drops_finalizer(commit) and not is_deleting(commit.before or commit.now):
            yield Breach(ref(commit.now), "nobody asked for its deletion", "its finalizer went")
        return
    life = case.life_of(commit.now)
    if life is not None and commit.now["kind"] == "StatefulSet":
        yield from _turned_back(case, life, commit)
    if not begins_deletion(commit) or life is None or life.died is not None:
        return
    yield from _hasty(case, life, commit)
    if not (_may_go(life, commit.now, commit.at) or _drained(case, commit.now)):
        yield Breach(
            f"{commit.now['kind']} {ref(commit.now)}",
            f"{life.ref} stands in {phase(life.workspace)}, and its deletion was not asked for",
            f"{commit.actor} deletes what it needs",
        )


def _hasty(case: Case, life: Life, commit: Commit) -> Iterator[Breach]:
    """A pod replaced for its silence before that has lasted."""
    silent, at = life.silent, commit.at
    if commit.now["kind"] != "Pod" or silent is None or silent.until is not None:
        return
    lasted = at - silent.since
    if lasted < SILENCE_SECONDS and case.quiet.longest(silent.since, at) >= lasted:
        yield Breach(
            f"Pod {ref(commit.now)}",
            f"a model may be silent for {SILENCE_SECONDS:.0f} s",
            f"{commit.actor} replaced it after {lasted:.1f} s",
        )


def _turned_back(case: Case, life: Life, commit: Commit) -> Iterator[Breach]:
    """An engine that gives pods a revision which the stored workspace has left behind."""
    if commit.before is None or commit.type is not ChangeType.MODIFIED:
        return
    earlier, given = rolled_out(commit.before), rolled_out(commit.now)
    current = status(life.workspace).get("revision")
    since = case.quiet.woke(commit.actor, life.revised)
    if given in (earlier, current) or commit.at - since <= UNDER_WAY_SECONDS:
        return
    yield Breach(
        f"StatefulSet {ref(commit.now)}",
        f"{life.ref} is at revision {current} since {life.revised:.1f}",
        f"{commit.actor} gave its pods {given}",
    )


def _may_go(life: Life, obj: Object, at: float) -> bool:
    """Whether the stored workspace justifies that an object goes, or did a moment ago."""
    if life.deletion is not None:
        return True
    if obj["kind"] == "Service":
        return False
    if obj["kind"] == "Pod" and _lately(life.silent, at):
        return True
    if obj["kind"] == "NodeClaim" and name(obj) not in claim_names(life.workspace):
        return True
    return _lately(life.failed, at)


def _drained(case: Case, obj: Object) -> bool:
    """Whether it is a Node whose agent pool is gone, or a pod on a node whose claim is going."""
    objects = case.history.objects
    if obj["kind"] == "Node":
        return (AGENT_POOL, "", pool_of(obj)) not in objects
    node = objects.get(("Node", "", obj.get("spec", {}).get("nodeName", "")))
    if obj["kind"] != "Pod" or node is None:
        return False
    claim = objects.get(("NodeClaim", "", pool_of(node)))
    return claim is not None and is_deleting(claim)


def _lately(span: Span | None, at: float) -> bool:
    return span is not None and span.within(UNDER_WAY_SECONDS, at)


def s16_no_invalid_writes(case: Case, call: Call) -> Iterator[Breach]:
    if not is_engine(call.actor) or call.carried_out != _INVALID or _in_the_way(case, call):
        return
    yield Breach(
        f"{call.kind} {call.name}",
        "an engine asks for nothing that the API's own rules forbid",
        f"{call.verb} was answered 422 {call.reason}",
    )


def _in_the_way(case: Case, call: Call) -> bool:
    """Whether an object of another owner has the name that the call asks for."""
    standing = case.history.objects.get((call.kind, call.namespace, call.name))
    if call.kind == "Workspace" or standing is None or "metadata" not in (call.body or {}):
        return False
    return owner_uid(standing) != owner_uid(call.body or {})


def s17_delete_wins(case: Case, commit: Commit) -> Iterator[Breach]:
    life = case.life_of(commit.now)
    if life is None or life.deletion_recorded is None or not is_engine(commit.actor):
        return
    awake = case.quiet.woke(commit.actor, life.deletion_recorded)
    if commit.at - awake <= UNDER_WAY_SECONDS:
        return
    if commit.type is ChangeType.ADDED or _grows(commit):
        yield Breach(
            f"{commit.now['kind']} {ref(commit.now)}",
            f"{life.ref} was recorded as Deleting at {life.deletion_recorded:.1f}",
            f"{commit.actor} made or enlarged it afterwards",
        )


def _grows(commit: Commit) -> bool:
    if commit.before is None or commit.now["kind"] != "StatefulSet":
        return False
    return bool(commit.now["spec"].get("replicas", 1) > commit.before["spec"].get("replicas", 1))


class Naming:
    """S20. Remembers whose each name was first."""

    def __init__(self) -> None:
        self._first: dict[str, str] = {}

    def __call__(self, case: Case, commit: Commit) -> Iterator[Breach]:
        if commit.type is not ChangeType.ADDED or not is_engine(commit.actor):
            return
        claim, owner = name(commit.now), owner_uid(commit.now)
        subject = f"NodeClaim {claim}"
        if not POOL_NAME.fullmatch(claim):
            yield Breach(subject, f"AKS takes pool names like {POOL_NAME.pattern}", "this is none")
        if self._first.setdefault(claim, owner) != owner:
            yield Breach(
                subject, f"it was a name of {self._first[claim]}", f"it was given to {owner} too"
            )
        life = case.lives.get(owner)
        if life is not None and len(set(claim_names(life.workspace))) < planned_nodes(
            life.workspace
        ):
            yield Breach(subject, f"{life.ref} has a name for each node", "two share this one")
        if life is not None and claim not in life.claims.union(claim_names(life.workspace)):
            yield Breach(subject, f"nothing that {life.ref} stored makes it", "it is used")
