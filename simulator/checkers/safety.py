"""S: what must never happen, judged at the commit or call that could be the one to do it."""

import re
from collections.abc import Iterator
from typing import Any

from engine.lifecycle import TRANSITIONS
from engine.workspace import FINALIZER
from simulator.checkers.case import Case, Life, Span, asked_for
from simulator.checkers.property import Breach
from simulator.checkers.quiet import SENSOR_LAG
from simulator.checkers.reading import (
    begins_deletion,
    changes_status,
    claim_names,
    condition,
    controllers,
    drops_finalizer,
    finalizers,
    foreign,
    generation,
    holds_finalizer,
    is_api,
    is_deleting,
    is_engine,
    name,
    owner_uid,
    owners,
    phase,
    planned_nodes,
    ref,
    rolled_out,
    says_ready,
    status,
    uid,
    version,
)
from simulator.history import Call, Commit, Milestone, Place, Rpc, workspace_of
from simulator.kubernetes.objects import ChangeType
from simulator.kubernetes.status import Object

GARBAGE_SECONDS = 600.0
UNDER_WAY_SECONDS = 2.0
"""A request that was decided on in time may be carried out so much later."""

SILENCE_SECONDS = 8.0
"""A little less than what engines bear: it is stored a moment after it is noticed."""
SENSE_SECONDS = 150.0
"""A change that no watch told of is seen at the next look, a minute later at most, or its retry."""

SECRET = "TAINTED-"  # noqa: S105 - the mark that secret values bear in simulation
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


class OneOperationPerClaim:
    """S5. Remembers the calls that change each node claim."""

    def __init__(self) -> None:
        self._latest: dict[tuple[str, str], Call] = {}
        self._repeated: dict[str, int] = {}

    def __call__(self, case: Case, call: Call) -> Iterator[Breach]:
        if not (is_engine(call.actor) and call.writes and call.carried_out in _OK):
            return
        subject = f"NodeClaim {call.name}"
        earlier = self._latest.get((call.actor, call.name))
        self._latest[call.actor, call.name] = call
        if earlier is not None and call.at < earlier.until and earlier.at < call.until:
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
        yield from _turned_back(life, commit)
    if not begins_deletion(commit) or life is None or life.died is not None:
        return
    yield from _hasty(case, life, commit)
    if not _may_go(life, commit.now, commit.at):
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


def _turned_back(life: Life, commit: Commit) -> Iterator[Breach]:
    """An engine that gives pods a revision which the stored workspace has left behind."""
    if commit.before is None or commit.type is not ChangeType.MODIFIED:
        return
    earlier, given = rolled_out(commit.before), rolled_out(commit.now)
    current = status(life.workspace).get("revision")
    if given in (earlier, current) or commit.at - life.revised <= UNDER_WAY_SECONDS:
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
    if obj["kind"] == "NodeClaim" and name(obj) not in _claims_of_attempt(life.workspace):
        return True
    return _lately(life.failed, at)


def _lately(span: Span | None, at: float) -> bool:
    return span is not None and span.within(UNDER_WAY_SECONDS, at)


def _claims_of_attempt(workspace: Object) -> tuple[str, ...]:
    return claim_names(workspace, status(workspace).get("attempt", 1))


def s11_generation_honesty(_: Case, commit: Commit) -> Iterator[Breach]:
    now, before = commit.now, commit.before
    if before is None or not changes_status(commit):
        return
    observed, current = _observed(now), generation(now)
    if observed < _observed(before):
        yield Breach(ref(now), f"generation {_observed(before)} was observed", f"now {observed} is")
    if not is_engine(commit.actor):
        return
    stamps = [item.get("observedGeneration", 0) for item in status(now).get("conditions") or ()]
    latest = max([observed, *stamps])
    if latest > current:
        yield Breach(ref(now), f"its generation is {current}", f"{latest} is said to be observed")
    ready = condition(now, "WorkspaceReady")
    stamped = 0 if ready is None else ready.get("observedGeneration", 0)
    if says_ready(now) and stamped > observed and not _said_ready_of(before, stamped):
        yield Breach(
            ref(now),
            f"what is served was planned from generation {observed}",
            f"WorkspaceReady is True of generation {stamped}",
        )


def _said_ready_of(workspace: Object, stamped: int) -> bool:
    """Whether it said so before already: a breach is one edge, not every write after it."""
    ready = condition(workspace, "WorkspaceReady")
    return says_ready(workspace) and (ready or {}).get("observedGeneration", 0) == stamped


def _observed(workspace: Object) -> int:
    return int(status(workspace).get("observedGeneration", 0))


class TruthfulReady:
    """S12. Remembers since when each workspace says it is Ready and truly does not serve."""

    def __init__(self) -> None:
        self._untrue: dict[str, tuple[float, str]] = {}

    def __call__(self, case: Case, record: Commit | Milestone) -> Iterator[Breach]:
        if isinstance(record, Milestone):
            for life in case.present():
                yield from self._outlasted(case, life)
            return
        of_workspace = record.now["kind"] == "Workspace"
        whose = case.lives.get(uid(record.now)) if of_workspace else case.life_of(record.now)
        if whose is None:
            return
        if of_workspace and says_ready(record.now) and not says_ready(record.before):
            yield from self._on_edge(case, whose)
        if of_workspace and says_ready(record.before) and phase(record.now) == "Degraded":
            yield from _taken_back(case, whose)
        yield from self._outlasted(case, whose)

    def _on_edge(self, case: Case, life: Life) -> Iterator[Breach]:
        if life.unserving is None:
            return
        since, missing = life.unserving
        if case.quiet.longest(since, case.now) > SENSOR_LAG:
            yield Breach(
                life.ref, f"since {since:.1f} it does not serve: {missing}", "it became Ready"
            )

    def _outlasted(self, case: Case, life: Life) -> Iterator[Breach]:
        """Judged when the lie ends, or at any news of the workspace while it lasts."""
        lies = life.unserving is not None and life.died is None and says_ready(life.workspace)
        told = self._untrue.get(life.uid)
        if told is not None and case.quiet.longest(told[0], case.now) > SENSE_SECONDS:
            yield Breach(
                life.ref,
                f"since {told[0]:.1f} it does not serve: {told[1]}",
                f"it still said Ready {case.now - told[0]:.0f} s later",
            )
        if not lies:
            self._untrue.pop(life.uid, None)
        elif told is None and life.unserving is not None:
            self._untrue[life.uid] = (case.now, life.unserving[1])


def _taken_back(case: Case, life: Life) -> Iterator[Breach]:
    """Whether a model speaks is not seen in objects: of that, the engine's word is taken."""
    if life.serving_since is None or status(life.workspace).get("reason") == "ModelSilent":
        return
    serves_for = case.now - life.serving_since
    if serves_for > case.quiet.oldest_sight(case.now):
        yield Breach(
            life.ref,
            f"nodes, GPUs, pods and Service have been there for {serves_for:.0f} s",
            f"it became Degraded: {status(life.workspace).get('message')}",
        )


def s13_finalizer_discipline(case: Case, commit: Commit) -> Iterator[Breach]:
    now, before = commit.now, commit.before
    if now["kind"] != "Workspace":
        life = case.life_of(now)
        made = commit.type is ChangeType.ADDED and is_engine(commit.actor)
        if made and life is not None and not life.finalizer_held:
            yield Breach(
                life.ref,
                "its finalizer is held before anything is made for it",
                f"{now['kind']} {name(now)} was made without",
            )
        return
    if before is None or not is_engine(commit.actor):
        return
    if is_deleting(before) and holds_finalizer(now) and not holds_finalizer(before):
        yield Breach(ref(now), "its deletion was asked for", "a finalizer was added after that")
    if commit.type is ChangeType.MODIFIED and _others(now) != _others(before):
        yield Breach(
            ref(now),
            f"others hold the finalizers {_others(before)}",
            f"{commit.actor} left {_others(now)}",
        )


def _others(workspace: Object) -> list[str]:
    return [entry for entry in finalizers(workspace) if entry != FINALIZER]


def s14_foreign_fields_preserved(_: Case, commit: Commit) -> Iterator[Breach]:
    now, before = commit.now, commit.before
    if before is None or commit.type is not ChangeType.MODIFIED:
        return
    if not (is_engine(commit.actor) or is_api(commit.actor)):
        return
    for what in _lost(before, now, by_user=is_api(commit.actor)):
        yield Breach(
            f"{now['kind']} {ref(now)}", f"{what} is somebody else's", f"{commit.actor} changed it"
        )


def _lost(before: Object, now: Object, *, by_user: bool) -> Iterator[str]:
    """What others had put on an object and is not there any more, or not as it was."""
    if not by_user:
        for field in ("labels", "annotations"):
            after = now["metadata"].get(field) or {}
            for key, value in foreign(before["metadata"].get(field)):
                if after.get(key) != value:
                    yield f"the {field[:-1]} {key}"
    for entry in finalizers(before):
        if entry != FINALIZER and entry not in finalizers(now):
            yield f"the finalizer {entry}"
    for owner in owners(before):
        if owner not in owners(now):
            yield f"the owner {owner['kind']} {owner['name']}"
    if before["kind"] == "Workspace":
        yield from _lost_conditions(before, now)


OUR_CONDITIONS = frozenset(
    {
        "NodeClaimReady",
        "NodesReady",
        "ResourceReady",
        "InferenceReady",
        "JobStarted",
        "WorkspaceReady",
        "WorkspaceSucceeded",
        "WorkspaceDeleting",
    }
)


def _lost_conditions(before: Object, now: Object) -> Iterator[str]:
    after = status(now).get("conditions") or ()
    for item in status(before).get("conditions") or ():
        if item["type"] not in OUR_CONDITIONS and item not in after:
            yield f"the condition {item['type']}"


def s15_bring_your_own_untouched(case: Case, commit: Commit) -> Iterator[Breach]:
    now = commit.now
    if commit.type is ChangeType.ADDED or not is_engine(commit.actor):
        return
    makers = {uid(now), *(str(owner["uid"]) for owner in owners(commit.before or now))}
    if makers & case.made_by_engines:
        return
    yield Breach(
        f"{now['kind']} {ref(now)}",
        "no engine made it, nor what it belongs to",
        f"{commit.actor} changed or deleted it",
    )


def s16_no_invalid_writes(case: Case, call: Call) -> Iterator[Breach]:
    if not is_engine(call.actor) or call.carried_out != _INVALID:
        return
    standing = case.history.objects.get((call.kind, call.namespace, call.name))
    wanted = call.body if call.body is not None and "metadata" in call.body else None
    in_the_way = standing is not None and wanted is not None and call.kind != "Workspace"
    if in_the_way and owner_uid(standing or {}) != owner_uid(wanted or {}):
        return
    yield Breach(
        f"{call.kind} {call.name}",
        "an engine asks for nothing that the API's own rules forbid",
        f"{call.verb} was answered 422 {call.reason}",
    )


def s17_delete_wins(case: Case, commit: Commit) -> Iterator[Breach]:
    life = case.life_of(commit.now)
    if life is None or life.deletion_recorded is None or not is_engine(commit.actor):
        return
    if commit.at - life.deletion_recorded <= UNDER_WAY_SECONDS:
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


def s18_no_secrets(_: Case, record: Commit | Rpc) -> Iterator[Breach]:
    if isinstance(record, Rpc):
        told: Any = record.response
        subject = f"{record.method} by {record.client}"
    elif record.now["kind"] == "Workspace":
        told = status(record.now)
        subject = ref(record.now)
        if record.before is not None and not changes_status(record):
            return
    else:
        told = record.now.get("message")
        subject = f"Event {ref(record.now)}"
    if told and SECRET in repr(told):
        yield Breach(subject, "secret values are told to nobody", f"a value {SECRET}… is in it")


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
        if life is not None and len(set(_claims_of_attempt(life.workspace))) < planned_nodes(
            life.workspace
        ):
            yield Breach(subject, f"{life.ref} has a name for each node", "two share this one")
        if life is not None and claim not in _claims_so_far(life):
            yield Breach(
                subject, f"no uid, ordinal and attempt of {life.ref} make it", "it is used"
            )


def _claims_so_far(life: Life) -> set[str]:
    attempts = range(1, status(life.workspace).get("attempt", 1) + 1)
    return life.claims.union(*(claim_names(life.workspace, number) for number in attempts))
