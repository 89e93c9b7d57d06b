"""Jobs: pods that run to completion, tried again a limited number of times."""

from collections.abc import Iterable, Sequence

from simulator.clock import Clock, rfc3339
from simulator.controllers import job_tally
from simulator.controllers.conditions import (
    condition,
    find_condition,
    save_status,
    seconds_left,
    with_conditions,
)
from simulator.controllers.controller import Key, key_of, owner_keys
from simulator.controllers.events import EventRecorder
from simulator.controllers.job_verdict import (
    Continues,
    Failed,
    Succeeded,
    Verdict,
    counts,
    deadline_in,
    is_done,
    judge,
)
from simulator.controllers.ownership import claim, controller_of, is_terminating
from simulator.controllers.pods import is_active, is_finished, pod_from_template
from simulator.kubernetes.objects import Change, Objects
from simulator.kubernetes.status import Object
from simulator.timings import Timings


class JobController:
    name = "job-controller"
    watches = ("Job", "Pod")

    def __init__(self, objects: Objects, clock: Clock, timings: Timings) -> None:
        self._objects = objects
        self._clock = clock
        self._timings = timings
        self._events = EventRecorder(objects=objects, clock=clock, component=self.name)

    def affected(self, change: Change) -> Iterable[Key]:
        if change.object["kind"] == "Job":
            return [key_of(change.object)]
        return owner_keys(change.object, "Job")

    def reconcile(self, key: Key) -> float | None:
        job = self._objects.find("Job", key.name, key.namespace)
        self._release_orphans(key, job)
        if job is None or is_terminating(job):
            return None
        if is_done(job):
            return self._expire(job)
        pods = claim(self._objects, job, "Pod")
        job = job_tally.count(self._objects, job, pods)
        if job["spec"].get("suspend"):
            self._suspend(job, pods)
            return None
        return self._proceed(self._started(job), pods)

    def _proceed(self, job: Object, pods: Sequence[Object]) -> float | None:
        active = [pod for pod in pods if is_active(pod)]
        finished = [pod for pod in pods if is_finished(pod)]
        terminating = [p for p in pods if is_terminating(p) and not is_finished(p)]
        now = self._clock.now()
        verdict = judge(job, active, finished, timings=self._timings, now=now)
        if not isinstance(verdict, Continues):
            self._delete(job, active)
            self._conclude(job, verdict, is_over=not active and not terminating)
            return None
        status = {**job["status"], **counts(active, terminating)}
        job = save_status(self._objects, job, status)
        self._delete(job, active[max(0, verdict.active) :])
        missing = verdict.active - len(active)
        if missing > 0 and verdict.not_before <= 0:
            self._create(job, missing)
        backoff = verdict.not_before if missing > 0 and verdict.not_before > 0 else None
        waits = [wait for wait in (backoff, deadline_in(job, now)) if wait is not None]
        return min(waits, default=None)

    def _started(self, job: Object) -> Object:
        status = job.get("status", {})
        present = status.get("conditions", [])
        if find_condition(job, "Suspended") is not None:
            resumed = condition("Suspended", "False", "JobResumed", "Job resumed")
            present = with_conditions(present, [resumed], self._clock.now())
            status = {**status, "conditions": present}
        start = {"startTime": rfc3339(self._clock.now())}
        return save_status(self._objects, job, {**start, **status})

    def _suspend(self, job: Object, pods: Sequence[Object]) -> None:
        self._delete(job, [pod for pod in pods if is_active(pod)])
        suspended = condition("Suspended", "True", "JobSuspended", "Job suspended")
        status = {key: value for key, value in job.get("status", {}).items() if key != "startTime"}
        conditions = with_conditions(status.get("conditions", ()), [suspended], self._clock.now())
        idle = {"active": 0, "ready": 0}
        save_status(self._objects, job, {**status, **idle, "conditions": conditions})

    def _create(self, job: Object, number: int) -> None:
        metadata = {
            "generateName": f"{job['metadata']['name']}-",
            "finalizers": [job_tally.FINALIZER],
        }
        for _ in range(number):
            pod = pod_from_template(job["spec"]["template"], job, metadata)
            created = self._objects.create(pod)
            message = f"Created pod: {created['metadata']['name']}"
            self._events.normal(job, "SuccessfulCreate", message)

    def _delete(self, job: Object, pods: Iterable[Object]) -> None:
        for pod in pods:
            metadata = pod["metadata"]
            self._objects.delete("Pod", metadata["name"], metadata["namespace"])
            self._events.normal(job, "SuccessfulDelete", f"Deleted pod: {metadata['name']}")

    def _conclude(self, job: Object, verdict: Verdict, *, is_over: bool) -> None:
        """First the outcome, and once the last pod has ended, the end."""
        now = self._clock.now()
        status = {**job["status"], "active": 0, "ready": 0}
        match verdict:
            case Succeeded(reason, message):
                target, end = "SuccessCriteriaMet", "Complete"
            case Failed(reason, message):
                target, end = "FailureTarget", "Failed"
            case _:
                return
        types = (target, end) if is_over else (target,)
        changed = [condition(type_, "True", reason, message) for type_ in types]
        conditions = with_conditions(status.get("conditions", ()), changed, now)
        if is_over and end == "Complete":
            status["completionTime"] = rfc3339(now)
        save_status(self._objects, job, {**status, "conditions": conditions})
        if is_over and end == "Complete":
            self._events.normal(job, "Completed", "Job completed")
        elif is_over:
            self._events.warning(job, reason, message)

    def _expire(self, job: Object) -> float | None:
        """Deletes a job that has been over for ``ttlSecondsAfterFinished``."""
        ttl = job["spec"].get("ttlSecondsAfterFinished")
        end = find_condition(job, "Complete") or find_condition(job, "Failed")
        if ttl is None or end is None:
            return None
        left = seconds_left(end["lastTransitionTime"], ttl, self._clock.now())
        if left > 0:
            return left
        metadata = job["metadata"]
        self._objects.delete("Job", metadata["name"], metadata["namespace"], uid=metadata["uid"])
        return None

    def _release_orphans(self, key: Key, job: Object | None) -> None:
        """Nobody counts the pods of a job that has gone or goes: let them go, too."""
        counting = None if job is None or is_terminating(job) else job["metadata"]["uid"]
        for pod in self._objects.list("Pod", key.namespace):
            owner = controller_of(pod) or {}
            ours = (owner.get("kind"), owner.get("name")) == ("Job", key.name)
            if ours and owner["uid"] != counting and job_tally.is_tracked(pod):
                job_tally.release(self._objects, [pod])
