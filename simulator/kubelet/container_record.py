"""Where one container of a pod stands: its ``ContainerStatus`` as a value."""

from dataclasses import dataclass
from datetime import UTC, datetime

from simulator.clock import rfc3339
from simulator.kubernetes.status import Object


@dataclass(frozen=True, slots=True)
class Waiting:
    reason: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Running:
    started_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminated:
    exit_code: int
    reason: str
    message: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None
    container_id: str = ""

    @property
    def succeeded(self) -> bool:
        return self.exit_code == 0


State = Waiting | Running | Terminated

CREATING = Waiting("ContainerCreating")
INITIALIZING = Waiting("PodInitializing")


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerRecord:
    """``restarts`` is also the number of the present start, from 0; ``last`` is the end before."""

    state: State
    last: Terminated | None = None
    restarts: int = 0
    ready: bool = False
    started: bool = False
    image_id: str = ""
    container_id: str = ""

    @property
    def has_run(self) -> bool:
        return isinstance(self.state, Running | Terminated) or self.last is not None


def as_status(record: ContainerRecord, container: Object) -> Object:
    return {
        "name": container["name"],
        "image": container["image"],
        "imageID": record.image_id,
        **({"containerID": record.container_id} if record.container_id else {}),
        "state": _state_as_status(record.state),
        "lastState": _state_as_status(record.last) if record.last else {},
        "ready": record.ready,
        "started": record.started,
        "restartCount": record.restarts,
    }


def from_status(status: Object) -> ContainerRecord:
    last = _state_from_status(status.get("lastState") or {})
    return ContainerRecord(
        state=_state_from_status(status.get("state") or {}) or CREATING,
        last=last if isinstance(last, Terminated) else None,
        restarts=status.get("restartCount", 0),
        ready=status.get("ready", False),
        started=bool(status.get("started")),
        image_id=status.get("imageID", ""),
        container_id=status.get("containerID", ""),
    )


def _state_as_status(state: State) -> Object:
    match state:
        case Waiting():
            return {"waiting": _filled(reason=state.reason, message=state.message)}
        case Running():
            return {"running": {"startedAt": rfc3339(state.started_at)}}
        case Terminated():
            times = _filled(
                startedAt=rfc3339(state.started_at) if state.started_at else "",
                finishedAt=rfc3339(state.finished_at) if state.finished_at else "",
            )
            texts = _filled(
                reason=state.reason, message=state.message, containerID=state.container_id
            )
            return {"terminated": {"exitCode": state.exit_code, **texts, **times}}


def _filled(**texts: str) -> Object:
    return {key: text for key, text in texts.items() if text}


def _state_from_status(status: Object) -> State | None:
    if (waiting := status.get("waiting")) is not None:
        return Waiting(waiting.get("reason", ""), waiting.get("message", ""))
    if (running := status.get("running")) is not None:
        return Running(_instant(running.get("startedAt")) or datetime.fromtimestamp(0, UTC))
    if (terminated := status.get("terminated")) is not None:
        return Terminated(
            exit_code=terminated["exitCode"],
            reason=terminated.get("reason", ""),
            message=terminated.get("message", ""),
            started_at=_instant(terminated.get("startedAt")),
            finished_at=_instant(terminated.get("finishedAt")),
            container_id=terminated.get("containerID", ""),
        )
    return None


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if text else None
