"""L: what must come about in the end, and how soon; its clock starts when faults stop."""

from collections import Counter
from collections.abc import Iterator
from math import ceil

from engine.reason import Reason
from simulator.checkers.case import Case, Life
from simulator.checkers.end_state import differences
from simulator.checkers.giving_up import needless_failure, refusal
from simulator.checkers.property import Breach
from simulator.checkers.reading import (
    begins_deletion,
    can_be_served,
    changes_status,
    finalizers,
    generation,
    holds_finalizer,
    instant,
    is_engine,
    name,
    patience,
    phase,
    planned_nodes,
    pod_template,
    ref,
    status,
    uid,
)
from simulator.history import Call, Commit, History, Milestone, Record, Started
from simulator.kubernetes.objects import ChangeType
from simulator.kubernetes.status import Object

CONVERGENCE_SECONDS = 3600.0
DELETION_SECONDS = 1800.0
IDLE_SECONDS = 600.0
"""A history that came to rest ends with more than this of nothing."""
SHORTEST_IDLE_SECONDS = 240.0
FIRST_STEP_SECONDS = 60.0
OVERDUE_SECONDS = 150.0
EXPLAINED_AFTER_SECONDS = 60.0
HOUR = 3600.0
LOOKING = {"get": "looks", "watch": "watches"}
CALLS_PER_HOUR = {"writes": 600, "watches": 600, "looks": 1800}
LOOKS_PER_IDLE_HOUR = 300
LISTS_PER_IDLE_HOUR = 100
SHORTEST_COUNTED_HOURS = 0.2
"""Of a shorter time a rate says little."""
LISTING = frozenset({"list", "watch"})
_FURTHER_PAGE = "continue="
"""A list in pages is one list."""

RESTING = frozenset({"Ready", "Failed"})
UNENDING = frozenset({"Deleting"})
"""A deletion is overdue one day, and never given up."""

OF_THE_SPEC = frozenset(
    {
        Reason.SPEC_INVALID,
        Reason.PRESET_TOO_LARGE,
        Reason.TUNING_NOT_SERVED,
        Reason.TEMPLATE_NOT_SERVED,
        Reason.IMAGE_NAME_INVALID,
    }
)
"""Failures that last until the user changes the spec."""

_OK = range(200, 300)
_TOO_MANY = 429


def l1_stable_reconciliation(case: Case) -> Iterator[Breach]:
    for life in case.present():
        late = life.changed > (case.healed or 0.0)
        if life.deletion is None and not (late and case.now - life.changed < CONVERGENCE_SECONDS):
            yield from _unreconciled(life)


def _unreconciled(life: Life) -> Iterator[Breach]:
    workspace, told = life.workspace, status(life.workspace)
    possible = can_be_served(workspace)
    if phase(workspace) == "Failed" and told.get("reason") in OF_THE_SPEC and not possible:
        return
    if phase(workspace) != "Ready":
        yield Breach(
            life.ref,
            f"it is Ready in the end; its spec can{'' if possible else 'not'} be served",
            f"it stands in {phase(workspace)}: {told.get('reason')}: {told.get('message')}",
        )
        return
    if possible and told.get("observedGeneration") != generation(workspace):
        yield Breach(
            life.ref,
            f"generation {generation(workspace)} can be served",
            f"generation {told.get('observedGeneration')} is",
        )
    if life.unserving is not None:
        yield Breach(life.ref, "it says Ready", f"it does not serve: {life.unserving[1]}")
    yield from _unmatched(life)


def _unmatched(life: Life) -> Iterator[Breach]:
    wanted = planned_nodes(life.workspace)
    claims = sorted(name(claim) for claim in life.of("NodeClaim"))
    if len(claims) != wanted:
        yield Breach(life.ref, f"its plan asks for {wanted} node(s)", f"its claims are {claims}")
    services = {name(service) for service in life.of("Service")}
    for workload in life.of("StatefulSet"):
        if can_be_served(life.workspace) and _adapters_pulled(workload) != _adapters(life):
            yield Breach(
                life.ref,
                f"its spec has the adapters {_adapters(life)}",
                f"its pods pull {_adapters_pulled(workload)}",
            )
        governing = workload["spec"].get("serviceName", "")
        if governing and governing not in services:
            yield Breach(
                life.ref,
                f"its pods bear names of the Service {governing}",
                f"its Services are {sorted(services)}",
            )
    replicas = [item["spec"].get("replicas", 1) for item in life.of("StatefulSet")]
    if replicas != [wanted]:
        yield Breach(
            life.ref, f"its plan asks for {wanted} replica(s)", f"StatefulSets have {replicas}"
        )


def _adapters(life: Life) -> list[str]:
    """The images of the adapters in the spec."""
    adapters = (life.workspace.get("inference") or {}).get("adapters") or ()
    images = [(adapter.get("source") or {}).get("image") for adapter in adapters]
    return sorted(filter(None, images))


def _adapters_pulled(workload: Object) -> list[str]:
    containers = (pod_template(workload).get("spec") or {}).get("initContainers") or ()
    arguments = [argument for container in containers for argument in container.get("args") or ()]
    marked = (argument.partition("--adapter-image=") for argument in arguments)
    return sorted(image for before, mark, image in marked if mark and not before)


def l2_deletion_completes(case: Case) -> Iterator[Breach]:
    for life in case.lives.values():
        yield from _unheard_deletion(case, life)
    for life in case.present():
        if life.deletion is None:
            continue
        waited = case.now - max(life.deletion, case.healed or 0.0)
        held_by_others = finalizers(life.workspace) and not holds_finalizer(life.workspace)
        if waited >= DELETION_SECONDS and not held_by_others:
            yield Breach(
                life.ref,
                f"its deletion was asked for {waited:.0f} s ago, faults aside",
                f"it is still there, in {phase(life.workspace)}: "
                f"{status(life.workspace).get('message')}",
            )


def _unheard_deletion(case: Case, life: Life) -> Iterator[Breach]:
    """Whatever an engine is at, it takes a deletion up soon."""
    heard = life.died if life.deletion_recorded is None else life.deletion_recorded
    if life.deletion is None or heard is None:
        return
    if case.quiet.longest(life.deletion, heard) > OVERDUE_SECONDS:
        yield Breach(
            life.ref,
            f"its deletion was asked for at {life.deletion:.1f}",
            f"it was taken up {heard - life.deletion:.0f} s later",
        )
    yield from _dawdled(case, life, heard)


def _dawdled(case: Case, life: Life, heard: float) -> Iterator[Breach]:
    """Services and the workload wait for nothing: they go as soon as deletion is taken up."""
    for kind in ("Service", "StatefulSet"):
        released = life.released.get(kind, heard)
        if case.quiet.longest(heard, released) > OVERDUE_SECONDS:
            yield Breach(
                life.ref,
                f"its deletion was taken up at {heard:.1f}",
                f"its {kind} was deleted {released - heard:.0f} s later",
            )


def same_end_state(reference: History, other: History) -> Iterator[Breach]:
    """L3, L9, L10 and L11: whatever went differently on the way, the end is the same."""
    for subject, expected, found in differences(reference, other):
        yield Breach(subject, f"the reference ends with {expected}", f"this ends with {found}")


def idle_since(case: Case) -> float | None:
    """From when on nothing is left to do, None where the history never came to rest."""
    if case.healed is None:
        return None
    halfway = (case.healed + case.now) / 2
    start = max(halfway, case.users_last + IDLE_SECONDS, case.now - IDLE_SECONDS)
    return start if case.now - start >= SHORTEST_IDLE_SECONDS else None


def l4_quiescence(case: Case) -> Iterator[Breach]:
    start = idle_since(case)
    if start is None:
        return
    for record in _since(case.history, start):
        if isinstance(record, Call) and is_engine(record.actor) and record.writes:
            what = f"{record.verb} of {record.kind} {record.name} {record.subresource}".rstrip()
        elif isinstance(record, Commit) and is_engine(record.actor):
            what = f"a change of {record.now['kind']} {ref(record.now)}"
        else:
            continue
        if "Lease" not in what:
            yield Breach(
                record.actor,
                f"nothing happens after {start:.0f}, so nothing is left to do",
                f"{what} at {record.at:.1f}",
            )
            return


def _since(history: History, start: float) -> Iterator[Record]:
    """From the end backwards, so that a long history costs no more than its last part."""
    for record in reversed(history.records):
        if record.at < start:
            return
        yield record


class NoHotLoop:
    """L5. Counts writes and watches by object and hour; remembers which calls were told to wait."""

    def __init__(self) -> None:
        self._sent: Counter[tuple[str, int]] = Counter()
        self._not_before: dict[tuple[str, str], tuple[float, int]] = {}

    def __call__(self, case: Case, record: Call | Milestone) -> Iterator[Breach]:
        if isinstance(record, Milestone):
            if record.name == "over":
                yield from _too_many_looks(case)
            return
        if not is_engine(record.actor):
            return
        if record.kind != "Lease" and (record.writes or record.verb in LOOKING):
            yield from self._count(record)
        yield from self._too_soon(record)

    def _count(self, call: Call) -> Iterator[Breach]:
        one = call.writes or call.verb == "get"
        subject = f"{call.kind} {call.namespace}/{call.name}" if one else f"{call.kind}s"
        what = "writes" if call.writes else LOOKING[call.verb]
        allowed, hour = CALLS_PER_HOUR[what], int(call.at // HOUR)
        self._sent[f"{what} of {subject}", hour] += 1
        if self._sent[f"{what} of {subject}", hour] == allowed + 1:
            yield Breach(
                subject,
                f"at most {allowed} {what} an hour bring it about",
                f"more were sent in hour {hour}",
            )

    def _too_soon(self, call: Call) -> Iterator[Breach]:
        """Retry-After, which the API server gives with each 429."""
        key = (call.actor, f"{call.verb} {call.target} {call.name}")
        not_before, seconds = self._not_before.pop(key, (0.0, 0))
        if call.at < not_before:
            yield Breach(
                f"{call.kind} {call.name}",
                f"it was refused, to be tried again in {seconds} s",
                f"{call.actor} asked again {not_before - call.at:.2f} s too soon",
            )
        if call.status == _TOO_MANY and call.retry_after:
            self._not_before[key] = (call.until + call.retry_after, call.retry_after)


def _too_many_looks(case: Case) -> Iterator[Breach]:
    start = idle_since(case)
    if start is None:
        return
    calls = [
        record
        for record in _since(case.history, start)
        if isinstance(record, Call) and is_engine(record.actor)
    ]
    looks = Counter(call.name for call in calls if call.verb == "get" and call.kind == "Workspace")
    lists = Counter(
        f"{call.verb} of {call.kind}"
        for call in calls
        if call.verb in LISTING and _FURTHER_PAGE not in call.target
    )
    hours = (case.now - start) / HOUR
    for subject, count in (looks + lists).items():
        an_hour = LISTS_PER_IDLE_HOUR if subject in lists else LOOKS_PER_IDLE_HOUR
        allowed = an_hour * max(SHORTEST_COUNTED_HOURS, hours)
        if count > allowed:
            yield Breach(
                subject,
                f"nothing changes after {start:.0f}, so an engine looks {allowed:.0f} times",
                f"it looked {count} times",
            )


class BoundedWork:
    """L6. Remembers what engines deleted, and in which attempt: it is not to be made again."""

    def __init__(self) -> None:
        self._deleted: dict[tuple[str, str, str], int] = {}

    def __call__(self, case: Case, commit: Commit) -> Iterator[Breach]:
        life = case.life_of(commit.now)
        if life is None or not is_engine(commit.actor):
            return
        key = (commit.now["kind"], name(commit.now), life.uid)
        attempt = status(life.workspace).get("attempt", 1)
        if commit.type is ChangeType.ADDED and self._deleted.get(key) == attempt:
            yield Breach(
                f"{commit.now['kind']} {ref(commit.now)}",
                f"an engine deleted it in attempt {attempt} of {life.ref}",
                f"{commit.actor} made it again in the same attempt",
            )
        elif begins_deletion(commit):
            self._deleted[key] = attempt


def slowed(alone: History, beside: History) -> Iterator[Breach]:
    """L7: a workspace that can never be served makes the others at most twice as slow."""
    usual, found = _latencies(alone), _latencies(beside)
    both = [name for name in usual if name in found]
    if not both:
        return
    before = _ninety_ninth([each for name in both for each in usual[name]])
    after = _ninety_ninth([each for name in both for each in found[name]])
    if after > 2 * before + 1.0:
        yield Breach(
            ", ".join(both),
            f"without the other, an engine answers a change in {before:.2f} s (p99)",
            f"beside it, in {after:.2f} s",
        )


def _latencies(history: History) -> dict[str, list[float]]:
    """Seconds from a change of a workspace's spec to the next write of an engine, by workspace."""
    waiting: dict[str, float] = {}
    found: dict[str, list[float]] = {}
    for record in history.records:
        if not isinstance(record, Commit) or record.now["kind"] != "Workspace":
            continue
        subject = ref(record.now)
        if is_engine(record.actor):
            if subject in waiting:
                found.setdefault(subject, []).append(record.at - waiting.pop(subject))
        elif record.before is None or generation(record.before) != generation(record.now):
            waiting[subject] = record.at
    return found


def _ninety_ninth(values: list[float]) -> float:
    return sorted(values)[ceil(0.99 * len(values)) - 1] if values else 0.0


def l8_failover(case: Case) -> Iterator[Breach]:
    """Judged of engines that stay up, undisturbed, for as long as their first step may take."""
    started: dict[str, float] = {}
    for record in case.history.records:
        if isinstance(record, Started) and is_engine(record.process):
            started.pop(record.process, None)
            if record.what == "started":
                started[record.process] = record.at
        elif isinstance(record, Call) and record.kind == "Workspace" and record.verb == "get":
            since = started.pop(record.actor, None)
            if since is not None:
                yield from _first_step(case, record.actor, since, record.at)
    for actor, since in started.items():
        if case.present():
            yield from _first_step(case, actor, since, case.now)


def _first_step(case: Case, actor: str, since: float, stepped: float) -> Iterator[Breach]:
    waiting = any(
        life.born <= since and (life.died or stepped) >= stepped for life in case.lives.values()
    )
    if waiting and case.quiet.longest(since, stepped) > FIRST_STEP_SECONDS:
        yield Breach(
            actor,
            f"it started at {since:.1f}, and looks at a workspace in {FIRST_STEP_SECONDS:.0f} s",
            f"{stepped - since:.0f} s later it had not",
        )


def l12_explain_or_progress(case: Case, record: Commit | Milestone) -> Iterator[Breach]:
    """At the end, also of the phases that the history leaves open."""
    if isinstance(record, Milestone):
        for life in case.present() if record.name == "over" else ():
            yield from _overdue(case, life.workspace, life.phase_since, case.now)
        return
    now, before = record.now, record.before
    if before is None or record.type is not ChangeType.MODIFIED or not changes_status(record):
        return
    if is_engine(record.actor):
        yield from _unexplained(now)
        yield from _put_off(before, now)
    if phase(now) != phase(before):
        life = case.lives[uid(now)]
        yield from _overdue(case, before, life.phase_before_since, record.at)
        if phase(now) == "Failed":
            yield from needless_failure(case, life, record)
        if phase(now) == "Failed" and phase(before) == "Provisioning":
            yield from _hidden_cause(case, life, record)


def _unexplained(workspace: Object) -> Iterator[Breach]:
    told, stands = status(workspace), phase(workspace)
    needed = ["reason", "message"]
    needed += ["remedy"] if stands == "Failed" else []
    needed += [] if stands in RESTING else ["waitingFor", "deadline"]
    for field in needed:
        if not told.get(field):
            yield Breach(ref(workspace), f"in {stands}, status.{field} is told", "it is empty")


def _put_off(before: Object, now: Object) -> Iterator[Breach]:
    """A wait that was bounded once is not prolonged."""
    earlier, later = status(before).get("deadline"), status(now).get("deadline")
    same_wait = status(before).get("phaseSince") == status(now).get("phaseSince")
    if same_wait and earlier and later and instant(later) > instant(earlier):
        yield Breach(ref(now), f"{phase(now)} may last until {earlier}", f"now until {later}")


def _overdue(case: Case, workspace: Object, since: float, until: float) -> Iterator[Breach]:
    limit = patience(workspace)
    if limit is None or phase(workspace) in RESTING | UNENDING:
        return
    due = since + limit.total_seconds()
    if case.quiet.longest(due, until) > OVERDUE_SECONDS:
        yield Breach(
            ref(workspace),
            f"{phase(workspace)} began at {since:.1f} and may last {limit.total_seconds():.0f} s",
            f"it lasted {until - since:.0f} s",
        )


def _hidden_cause(case: Case, life: Life, commit: Commit) -> Iterator[Breach]:
    """What a claim has said of itself for a while is in the words of the failure."""
    causes = [refusal(claim) for claim in life.of("NodeClaim") if name(claim) in life.claims]
    said = [cause for cause in causes if cause]
    known_since = commit.at - EXPLAINED_AFTER_SECONDS
    long_enough = case.quiet.longest(max(life.phase_before_since, known_since), commit.at)
    message = str(status(commit.now).get("message"))
    if not said or len(said) < len(causes) or long_enough < EXPLAINED_AFTER_SECONDS:
        return
    if not any(cause[:40] in message for cause in said):
        yield Breach(life.ref, f"its node claim says: {said[0]}", f"its failure says: {message}")
