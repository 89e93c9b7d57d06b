"""One workspace's driver: look, step, save, act, wait.

It knows no phases. Every turn starts from the stored workspace and a fresh look at the world, so a
restart is nothing special, and whatever was missed in between does not matter. The new state is
saved before anything is done about it: every effect has an earlier record.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from engine.action import Action
from engine.errors import ActionFailed, NotFound, Stale, Unreachable
from engine.observation import Setback
from engine.ports import Clock, WorkspaceStore, World
from engine.report import Report
from engine.step import Step, pending_trigger, step
from engine.workspace import Workspace, WorkspaceRef

log = logging.getLogger(__name__)

FIRST_RETRY_SECONDS = 1.0
LONGEST_RETRY_SECONDS = 30.0


def retry_seconds(failures: int) -> float:
    """The pause after so many failures in a row; the phase's deadline bounds their number."""
    return min(LONGEST_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2.0 ** min(failures - 1, 10))


class Driver:
    """Drives one workspace from its creation until it is gone."""

    def __init__(
        self,
        ref: WorkspaceRef,
        *,
        store: WorkspaceStore,
        world: World,
        clock: Clock,
        report: Report,
    ) -> None:
        self.ref = ref
        self._store = store
        self._world = world
        self._clock = clock
        self._report = report
        self._changed = asyncio.Event()
        self._restated = 0
        """Turns in a row that told the same phase anew: someone else keeps telling it otherwise."""
        self._failures = 0
        self._setbacks: tuple[Setback, ...] = ()

    def wake(self) -> None:
        """Something may have changed; calls coalesce."""
        self._changed.set()

    async def run(self) -> None:
        """Returns when the workspace is gone."""
        while True:
            self._changed.clear()
            try:
                wake_at = await self._turn()
            except NotFound:
                if self._changed.is_set():  # made again under the same name meanwhile
                    continue
                return
            except Stale:
                continue
            except Unreachable as error:
                self._failures += 1
                pause = retry_seconds(self._failures)
                log.warning("workspace %s: %s; trying again in %.0f s", self.ref, error, pause)
                await asyncio.sleep(pause)
                continue
            await self._wait(wake_at)

    async def _turn(self) -> datetime:
        workspace = await self._store.get(self.ref)
        seen = await self._world.observe(workspace)
        made = step(workspace, pending_trigger(workspace), replace(seen, setbacks=self._setbacks))
        saved = await self._save(workspace, made)
        self._setbacks = await self._perform(saved, made.actions)
        self._failures = self._failures + 1 if self._setbacks else 0
        return made.wake_at

    async def _save(self, before: Workspace, made: Step) -> Workspace:
        if made.workspace.machine == before.machine:
            self._restated = 0
            return made.workspace
        saved = await self._store.save(made.workspace)
        history = made.workspace.machine.history
        if history == before.machine.history:
            self._restated += 1
        else:
            self._restated = 0
            await self._report.passed(saved, history[-1])
        return saved

    async def _perform(
        self, workspace: Workspace, actions: Sequence[Action]
    ) -> tuple[Setback, ...]:
        setbacks = []
        for action in actions:
            try:
                await self._world.perform(workspace, action)
            except ActionFailed as error:
                setback = Setback(action=type(action).__name__, code=error.code, message=str(error))
                setbacks.append(setback)
                await self._report.set_back(workspace, setback)
        return tuple(setbacks)

    async def _wait(self, wake_at: datetime) -> None:
        if self._restated > 1:  # another engine sees the world otherwise, for now
            await asyncio.sleep(retry_seconds(self._restated - 1))
        seconds = (wake_at - self._clock.now()).total_seconds()
        if self._setbacks:
            seconds = min(max(seconds, 0.0), retry_seconds(self._failures))
        if seconds <= 0:
            return
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return
