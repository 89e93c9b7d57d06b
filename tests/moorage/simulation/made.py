"""Runs made by hand: a world small enough to know what must be said of it."""

from collections import Counter
from typing import Any

from moorage.simulation.outcome import Counts, Outcome, Passed
from simulator.checkers.property import Violation
from simulator.faults.plan import FaultElement, Plan, UserElement
from simulator.faults.triggers import At, AtStep
from simulator.faults.users import Create
from simulator.faults.vocabulary import Crash, SpotEviction
from simulator.history import (
    Asked,
    Call,
    Commit,
    Defect,
    History,
    Milestone,
    Rpc,
    Started,
    Struck,
)
from simulator.kubernetes.objects import ChangeType

VIOLATION = Violation(
    property="S12",
    at=130.0,
    subject="default/w0",
    facts=("w0 became Ready at 130.0", "its node <b>n0</b> was deleted at 120.0"),
)


def obj(kind: str, name: str, *, owner: str = "", phase: str = "", **status: Any) -> dict[str, Any]:
    """``owner`` is the workspace whose labels it bears."""
    labels = {"kaito.sh/workspace": owner, "kaito.sh/workspacenamespace": "default"}
    made: dict[str, Any] = {
        "kind": kind,
        "metadata": {"namespace": "default", "name": name, "uid": f"uid-{name}"},
    }
    if owner:
        made["metadata"]["labels"] = labels
    if phase:
        status |= {"phase": phase, "reason": "Because", "message": f"now {phase}"}
    if status:
        made["status"] = status
    return made


def commit(at: float, now: Any, before: Any = None, *, actor: str = "engine-1") -> Commit:
    kind = ChangeType.ADDED if before is None else ChangeType.MODIFIED
    return Commit(at=at, revision=int(at) + 1, type=kind, actor=actor, now=now, before=before)


def removal(at: float, now: Any, *, actor: str = "engine-1") -> Commit:
    return Commit(
        at=at, revision=int(at) + 1, type=ChangeType.DELETED, actor=actor, now=now, before=now
    )


def call(at: float, verb: str = "apply", *, status: int, carried_out: int, **more: Any) -> Call:
    place = {"kind": "StatefulSet", "namespace": "default", "name": "w0", "subresource": ""} | more
    return Call(
        at=at,
        until=at + 0.01,
        actor="engine-1",
        verb=verb,
        target="",
        body=obj("StatefulSet", "w0", owner="w0"),
        status=status,
        reason="" if status < 400 else "Timeout",
        carried_out=carried_out,
        revision=int(at),
        **place,
    )


PLAN = Plan(
    seed=7,
    elements=(
        UserElement(user=Create(workspace=0)),
        FaultElement(fault=Crash(), when=AtStep(process="engine", number=213)),
        FaultElement(fault=SpotEviction(workspace=0), when=At(seconds=120)),
    ),
)


def history() -> History:
    """w0 gets Ready although its node went; the engine crashed on the way."""
    told = History()
    new, planning, ready = (
        obj("Workspace", "w0"),
        obj("Workspace", "w0", phase="Planning"),
        obj("Workspace", "w0", phase="Ready"),
    )
    stateful_set, node = obj("StatefulSet", "w0", owner="w0"), obj("Node", "n0", owner="w0")
    for record in (
        Started(at=0.0, process="engine-1", what="started"),
        Asked(at=1.0, element=0, what="create", workspace="w0"),
        commit(1.5, new, actor="user"),
        Rpc(
            at=1.0,
            until=2.0,
            client="user",
            method="CreateWorkspace",
            request={"name": "namespaces/default/workspaces/w0"},
            response={},
            code="OK",
        ),
        commit(2.0, planning, new),
        commit(2.5, obj("Lease", "engine"), actor="cluster"),
        commit(3.0, stateful_set),
        call(3.0, status=201, carried_out=201),
        call(4.0, verb="get", status=404, carried_out=404),
        call(5.0, status=504, carried_out=200),
        commit(40.0, node, actor="cluster"),
        Struck(at=50.0, element=1, code="CR", target="engine-1"),
        Started(at=50.0, process="engine-1", what="crashed"),
        Started(at=55.0, process="engine-1", what="started"),
        Struck(at=120.0, element=2, code="SPOT", target="n0 of w0"),
        removal(120.0, node, actor="cluster"),
        commit(130.0, ready, planning),
        Defect(at=131.0, actor="engine-1", what="KeyError: 'n0'"),
        Milestone(at=3600.0, name="healed"),
        removal(4000.0, ready),
        Milestone(at=7200.0, name="over"),
    ):
        told.add(record)
    return told


def counts(**more: Any) -> Counts:
    return Counts(
        **{
            "runs": 1,
            "simulated_seconds": 7200.0,
            "cpu_seconds": 0.5,
            "api_calls": 3,
            "commits": 8,
            "steps": 99,
            "faults": Counter({"CR": 1, "SPOT": 1}),
            "transitions": Counter({("Pending", "Planning"): 1, ("Loading", "Ready"): 1}),
            "triples": Counter({("Pending", "observe", ""): 2, ("Loading", "observe", "CR"): 1}),
            **more,
        }
    )


def outcome(plan: Plan = PLAN, *, violations: tuple[Violation, ...] = (VIOLATION,)) -> Outcome:
    return Outcome(
        plan=plan,
        trace_hash=f"hash of {plan.seed}",
        violations=violations,
        counts=counts(),
        passages=(
            Passed(at=2.0, workspace="w0", source="Pending", destination="Planning", reason="Plan"),
        ),
        engine_steps=300,
        history=history(),
    )
