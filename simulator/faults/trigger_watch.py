"""Waits for the triggers of a plan and says when each has come."""

import asyncio
from collections.abc import Callable
from contextvars import Context
from dataclasses import dataclass

from simulator.faults.triggers import At, AtStep, OnCall, OnPhase, When
from simulator.history import Commit, History, Record
from simulator.virtual_time.event_loop import VirtualLoop
from simulator.virtual_time.process import Process
from simulator.wire.sent import Sent, matches, workspace_name

Fire = Callable[[], None]
Decide = Callable[[str, int], Fire | None]
"""Asked with a process's name and the number of the step that it is about to take."""


@dataclass(slots=True)
class Waiting:
    """``left`` counts the events that are still to come before it fires."""

    when: OnCall | OnPhase | AtStep
    fire: Fire
    left: int


class TriggerWatch:
    """``stepping`` is the task that is about to take a step while an ``AtStep`` fires."""

    def __init__(self, loop: VirtualLoop, history: History, context: Context) -> None:
        self._loop = loop
        self._history = history
        self._context = context
        self._calls: list[Waiting] = []
        self._phases: list[Waiting] = []
        self._steps: list[Waiting] = []
        self._timers: list[asyncio.TimerHandle] = []
        self._first: dict[str, Process] = {}
        self._decide: Decide | None = None
        self.stepping: asyncio.Task[object] | None = None
        history.readers.append(self._on_record)

    def wait(self, when: When, fire: Fire) -> None:
        match when:
            case At():
                self._later(max(0.0, when.seconds - self._loop.time()), fire)
            case OnCall():
                self._calls.append(Waiting(when, fire, when.nth))
            case OnPhase():
                self._phases.append(Waiting(when, fire, when.nth))
            case AtStep():
                self._steps.append(Waiting(when, fire, 1))
                self._loop.on_step = self._on_step

    def ask_at_each_step(self, decide: Decide) -> None:
        """What ``decide`` answers fires before that step, as if a trigger had named it."""
        self._decide = decide
        self._loop.on_step = self._on_step

    def forget(self) -> None:
        """Nothing fires any more."""
        self._calls.clear()
        self._phases.clear()
        self._steps.clear()
        for timer in self._timers:
            timer.cancel()
        self._loop.on_step = None

    def on_sent(self, request: Sent) -> None:
        self._on_call(request, "sent")

    def on_carried_out(self, request: Sent) -> None:
        self._on_call(request, "carried out")

    def _on_call(self, request: Sent, moment: str) -> None:
        for waiting in tuple(self._calls):
            when = waiting.when
            if (
                isinstance(when, OnCall)
                and when.moment == moment
                and matches(when.calls, request, self._history)
            ):
                self._count(self._calls, waiting, when.seconds)

    def _on_record(self, record: Record) -> None:
        if not (self._phases and isinstance(record, Commit) and record.now["kind"] == "Workspace"):
            return
        phase = record.now.get("status", {}).get("phase")
        before = (record.before or {}).get("status", {}).get("phase")
        if phase == before:
            return
        for waiting in tuple(self._phases):
            when = waiting.when
            if (
                isinstance(when, OnPhase)
                and when.phase == phase
                and record.now["metadata"]["name"] == workspace_name(when.workspace)
            ):
                self._count(self._phases, waiting, when.seconds)

    def _count(self, among: list[Waiting], waiting: Waiting, seconds: float) -> None:
        waiting.left -= 1
        if not waiting.left:
            among.remove(waiting)
            self._later(seconds, waiting.fire)

    def _later(self, seconds: float, fire: Fire) -> None:
        self._timers.append(self._loop.call_later(seconds, fire, context=self._context))

    def _on_step(self, process: Process, task: "asyncio.Task[object]") -> None:
        """Fires at once: a crash here comes before the step, at the await it would resume from."""
        for waiting in tuple(self._steps):
            when = waiting.when
            if isinstance(when, AtStep) and process.name.startswith(when.process):
                first = self._first.setdefault(when.process, process)
                if first is process and process.steps == when.number:
                    self._steps.remove(waiting)
                    self._fire_at(task, waiting.fire)
        fire = self._decide(process.name, process.steps) if self._decide is not None else None
        if fire is not None:
            self._fire_at(task, fire)

    def _fire_at(self, task: "asyncio.Task[object]", fire: Fire) -> None:
        self.stepping = task
        fire()
        self.stepping = None
