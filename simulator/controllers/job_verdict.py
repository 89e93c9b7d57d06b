"""Whether a Job is done, has failed, or how many pods it should have now. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from simulator.controllers.conditions import find_condition, is_true, seconds_left
from simulator.controllers.pods import is_ready, phase
from simulator.kubernetes.status import Object
from simulator.timings import Timings


@dataclass(frozen=True, slots=True)
class Succeeded:
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Failed:
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Continues:
    """``active`` pods are wanted, new ones no sooner than in ``not_before`` seconds."""

    active: int
    not_before: float


Verdict = Succeeded | Failed | Continues


def is_done(job: Object) -> bool:
    return is_true(job, "Complete") or is_true(job, "Failed")


def judge(
    job: Object,
    active: Sequence[Object],
    finished: Sequence[Object],
    *,
    timings: Timings,
    now: datetime,
) -> Verdict:
    """``active`` are its pods that may still run, ``finished`` those that have ended."""
    if (known := _known_outcome(job)) is not None:
        return known
    spec, status = job["spec"], job.get("status", {})
    failed, succeeded = status.get("failed", 0), status.get("succeeded", 0)
    if failed > spec["backoffLimit"] or _restarts_exceeded(job, active):
        message = "Job has reached the specified backoff limit"
        return Failed("BackoffLimitExceeded", message)
    if (left := deadline_in(job, now)) is not None and left <= 0:
        return Failed("DeadlineExceeded", "Job was active longer than specified deadline")
    completions = spec.get("completions")
    if succeeded >= completions if completions is not None else succeeded and not active:
        message = "Reached expected number of succeeded pods"
        return Succeeded("CompletionsReached", message)
    return Continues(_wanted(job, len(active)), _backoff(job, finished, timings, now))


def deadline_in(job: Object, now: datetime) -> float | None:
    limit, since = job["spec"].get("activeDeadlineSeconds"), job["status"].get("startTime")
    return None if limit is None or since is None else seconds_left(since, limit, now)


def counts(active: Sequence[Object], terminating: Sequence[Object]) -> Object:
    ready = sum(is_ready(pod) for pod in active)
    return {"active": len(active), "ready": ready, "terminating": len(terminating)}


def _known_outcome(job: Object) -> Verdict | None:
    """Once decided, an outcome stands while the remaining pods end."""
    success = find_condition(job, "SuccessCriteriaMet")
    if success is not None:
        return Succeeded(success["reason"], success["message"])
    failure = find_condition(job, "FailureTarget")
    return None if failure is None else Failed(failure["reason"], failure["message"])


def _wanted(job: Object, active: int) -> int:
    spec, succeeded = job["spec"], job["status"].get("succeeded", 0)
    parallelism: int = spec["parallelism"]
    completions = spec.get("completions")
    if completions is None:
        return active if succeeded else parallelism
    remaining: int = completions - succeeded
    return min(parallelism, remaining)


def _restarts_exceeded(job: Object, active: Sequence[Object]) -> bool:
    """Under OnFailure a pod's containers restart in place, which counts as well."""
    if job["spec"]["template"]["spec"].get("restartPolicy") != "OnFailure":
        return False
    restarts = sum(
        container.get("restartCount", 0)
        for pod in active
        if phase(pod) in ("Running", "Pending")
        for field in ("containerStatuses", "initContainerStatuses")
        for container in pod.get("status", {}).get(field, ())
    )
    limit: int = job["spec"]["backoffLimit"]
    return bool(restarts >= max(1, limit))


def _backoff(job: Object, finished: Sequence[Object], timings: Timings, now: datetime) -> float:
    failures = job["status"].get("failed", 0)
    ends = [_ended_at(pod) for pod in finished if phase(pod) == "Failed"]
    if not failures or not ends:
        return 0.0
    delay = min(timings.job_backoff * 2.0 ** (failures - 1), timings.job_backoff_limit)
    return max(0.0, seconds_left(max(ends), delay, now))


def _ended_at(pod: Object) -> str:
    ends = [
        container["state"]["terminated"]["finishedAt"]
        for container in pod["status"].get("containerStatuses", ())
        if container.get("state", {}).get("terminated", {}).get("finishedAt")
    ]
    return str(max(ends, default=pod["metadata"]["creationTimestamp"]))
