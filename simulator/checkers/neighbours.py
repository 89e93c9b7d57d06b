"""S13, S14, S15: what others hold, wrote or made is left as it is."""

from collections.abc import Iterator

from engine.nodes.claim import FINALIZER as CLAIM_FINALIZER
from engine.workspace import FINALIZER
from simulator.azure.nodes import pool_of
from simulator.checkers.case import Case
from simulator.checkers.node_claims import STATE_ANNOTATION
from simulator.checkers.property import Breach
from simulator.checkers.reading import (
    annotation,
    finalizers,
    foreign,
    holds_finalizer,
    is_api,
    is_deleting,
    is_engine,
    name,
    owners,
    ref,
    status,
    uid,
)
from simulator.history import Commit
from simulator.kubernetes.objects import ChangeType
from simulator.kubernetes.status import Object

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
    if commit.type is ChangeType.DELETED and is_engine(commit.actor):
        yield from _stripped(commit)
    if before is None or commit.type is not ChangeType.MODIFIED:
        return
    if not (is_engine(commit.actor) or is_api(commit.actor)):
        return
    for what in _lost(before, now, by_user=is_api(commit.actor)):
        yield Breach(
            f"{now['kind']} {ref(now)}", f"{what} is somebody else's", f"{commit.actor} changed it"
        )


def _is_ours(obj: Object, finalizer: str) -> bool:
    """A claim's is Karpenter's where it runs, and our node engine's where that does."""
    if obj["kind"] == "NodeClaim":
        return finalizer == CLAIM_FINALIZER and bool(annotation(obj, STATE_ANNOTATION))
    return obj["kind"] == "Workspace" and finalizer == FINALIZER


def _stripped(commit: Commit) -> Iterator[Breach]:
    """What somebody else still held is gone."""
    for entry in finalizers(commit.before or commit.now):
        if not _is_ours(commit.before or commit.now, entry):
            yield Breach(
                f"{commit.now['kind']} {ref(commit.now)}",
                f"the finalizer {entry} is somebody else's",
                f"{commit.actor} took it off",
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
        if not _is_ours(before, entry) and entry not in finalizers(now):
            yield f"the finalizer {entry}"
    for owner in owners(before):
        if owner not in owners(now):
            yield f"the owner {owner['kind']} {owner['name']}"
    if before["kind"] == "Workspace":
        yield from _lost_conditions(before, now)


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
    if (makers | _claim_of_pool(case, now)) & case.made_by_engines:
        return
    yield Breach(
        f"{now['kind']} {ref(now)}",
        "no engine made it, nor what it belongs to",
        f"{commit.actor} changed or deleted it",
    )


def _claim_of_pool(case: Case, node: Object) -> set[str]:
    """The uid of the claim whose agent pool a Node says it is of."""
    claim = case.history.objects.get(("NodeClaim", "", pool_of(node)))
    return set() if claim is None else {uid(claim)}
