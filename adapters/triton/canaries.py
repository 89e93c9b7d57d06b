"""Keeps asking the models of ready replicas for one token, in the background.

An observation must not wait for a model; it takes the latest answer.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from adapters.triton.model_probe import Answered, Silence, probe
from engine.observation import Answer
from engine.workspace import WorkspaceRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """In seconds: between questions to a model that speaks, to one that does not, and for one."""

    speaking: float = 5.0
    silent: float = 1.0
    patience: float = 30.0


Told = tuple[Answer, str]
UNASKED: Told = (Answer.NOT_ASKED, "")


class TritonCanaries:
    """Implements ``adapters.kubernetes.world.Canaries``."""

    def __init__(
        self, on_change: Callable[[WorkspaceRef], None], rhythm: Rhythm | None = None
    ) -> None:
        self._on_change = on_change
        self._rhythm = rhythm or Rhythm()
        self._told: dict[str, Told] = {}
        self._asking: dict[WorkspaceRef, dict[str, asyncio.Task[None]]] = {}

    async def run(self) -> None:
        """Runs until cancelled, then stops asking."""
        try:
            await asyncio.Event().wait()
        finally:
            for ref in list(self._asking):
                self.watch_over(ref, "", {})

    def watch_over(self, ref: WorkspaceRef, model: str, addresses: Mapping[str, str]) -> None:
        asking = self._asking.setdefault(ref, {})
        for uid in [uid for uid in asking if uid not in addresses]:
            asking.pop(uid).cancel()
            self._told.pop(uid, None)
        for uid, address in addresses.items():
            if uid not in asking:
                asking[uid] = asyncio.create_task(
                    self._ask(ref, uid, address, model), name=f"canary {ref}"
                )
        if not asking:
            del self._asking[ref]

    def last(self, uid: str) -> Told:
        return self._told.get(uid, UNASKED)

    async def _ask(self, ref: WorkspaceRef, uid: str, address: str, model: str) -> None:
        while True:
            told = await self._question(address, model)
            if told is not None and told != self.last(uid):
                self._told[uid] = told
                self._on_change(ref)
            speaks = self.last(uid)[0] is Answer.SPOKE
            await asyncio.sleep(self._rhythm.speaking if speaks else self._rhythm.silent)

    async def _question(self, address: str, model: str) -> Told | None:
        """None where the model is too busy to tell: then what it told before stands."""
        answer = await probe(address, model, timeout_seconds=self._rhythm.patience)
        if isinstance(answer, Answered):
            return Answer.SPOKE, ""
        if answer.reason is Silence.BUSY:
            return None
        return Answer.SILENT, f"{answer.reason}: {answer.detail}"
