"""Canaries in virtual time: what a model would say is asked of the plan, not of a model."""

import asyncio
from collections.abc import Callable, Mapping
from contextvars import copy_context

from engine.observation import Answer
from engine.workspace import WorkspaceRef
from simulator.kubelet.fated_runtime import Models

ASKING_SECONDS = 2.0


class VirtualCanaries:
    """Implements ``adapters.kubernetes.world.Canaries``; asks where something may have changed."""

    def __init__(self, models: Models, on_change: Callable[[WorkspaceRef], None]) -> None:
        self._models = models
        self._on_change = on_change
        self._watched: dict[str, WorkspaceRef] = {}
        self._told: dict[str, Answer] = {}
        self._loop = asyncio.get_running_loop()
        self._context = copy_context()
        models.on_change.append(self._hear)

    async def run(self) -> None:
        """Nothing to do between changes."""

    def _hear(self, uid: str) -> None:
        """Told in the cluster's context; asks in its own, so that it stops with its process."""
        self._loop.call_soon(self._ask_soon, uid, context=self._context)

    def watch_over(self, ref: WorkspaceRef, model: str, addresses: Mapping[str, str]) -> None:  # noqa: ARG002
        for uid in [uid for uid, of in self._watched.items() if of == ref and uid not in addresses]:
            del self._watched[uid]
            self._told.pop(uid, None)
        for uid in addresses:
            if uid not in self._watched:
                self._watched[uid] = ref
                self._ask_soon(uid)

    def last(self, uid: str) -> tuple[Answer, str]:
        answer = self._told.get(uid, Answer.NOT_ASKED)
        return answer, "no token came: injected" if answer is Answer.SILENT else ""

    def _ask_soon(self, uid: str) -> None:
        if uid in self._watched:
            self._loop.call_later(ASKING_SECONDS, self._ask, uid)

    def _ask(self, uid: str) -> None:
        ref = self._watched.get(uid)
        if ref is None:
            return
        answer = Answer.SPOKE if self._models.speaks(uid) else Answer.SILENT
        if self._told.get(uid) is not answer:
            self._told[uid] = answer
            self._on_change(ref)
