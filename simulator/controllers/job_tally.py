"""Counts a Job's finished pods exactly once, though they may be deleted at any time.

A finalizer holds each pod until it is counted. First its uid is noted in
``status.uncountedTerminatedPods``, then the finalizer goes, then the uid becomes part of the
count: a crash between any two of these neither loses nor repeats one (Kubernetes, KEP-2307).
"""

from collections.abc import Iterable, Sequence

from simulator.controllers.conditions import save_status
from simulator.controllers.ownership import is_terminating
from simulator.controllers.pods import is_finished, phase
from simulator.kubernetes.objects import Objects
from simulator.kubernetes.status import Object

FINALIZER = "batch.kubernetes.io/job-tracking"
_OUTCOMES = ("succeeded", "failed")


def is_tracked(pod: Object) -> bool:
    return FINALIZER in pod["metadata"].get("finalizers", ())


def release(objects: Objects, pods: Iterable[Object]) -> None:
    for pod in pods:
        finalizers = [item for item in pod["metadata"]["finalizers"] if item != FINALIZER]
        objects.update({**pod, "metadata": {**pod["metadata"], "finalizers": finalizers}})


def count(objects: Objects, job: Object, pods: Sequence[Object]) -> Object:
    """Counts the finished among ``pods``; answers the job as it is afterwards."""
    noted = save_status(objects, job, _noting(job, pods))
    uids = {uid for outcome in _OUTCOMES for uid in _uncounted(noted)[outcome]}
    if not uids:
        return noted
    release(objects, (pod for pod in pods if is_tracked(pod) and pod["metadata"]["uid"] in uids))
    return save_status(objects, noted, _counting(noted))


def _noting(job: Object, pods: Sequence[Object]) -> Object:
    noted = _uncounted(job)
    for pod in pods:
        outcome = _outcome(pod)
        if outcome and is_tracked(pod) and pod["metadata"]["uid"] not in noted[outcome]:
            noted[outcome].append(pod["metadata"]["uid"])
    if not any(noted.values()):
        return dict(job.get("status", {}))
    return {**job.get("status", {}), "uncountedTerminatedPods": noted}


def _counting(job: Object) -> Object:
    status, noted = job["status"], _uncounted(job)
    counts = {outcome: status.get(outcome, 0) + len(noted[outcome]) for outcome in _OUTCOMES}
    return {**status, **counts, "uncountedTerminatedPods": {}}


def _uncounted(job: Object) -> dict[str, list[str]]:
    noted = job.get("status", {}).get("uncountedTerminatedPods", {})
    return {outcome: list(noted.get(outcome, ())) for outcome in _OUTCOMES}


def _outcome(pod: Object) -> str | None:
    """A pod that is deleted before it succeeds has failed."""
    if is_finished(pod):
        return "succeeded" if phase(pod) == "Succeeded" else "failed"
    return "failed" if is_terminating(pod) else None
