"""Continuous batching: requests join and leave the running batch between any two tokens.

One thread owns the decoder and runs ``step`` while there is work. A step admits at most one
waiting request, which is prefilled alone and so gives its first token at once, then decodes one
token for every running row. When a row ends, the last row moves into its slot: running rows always
fill the first slots.

Requests for a single token have a lane of their own. They need a slot for their prefill alone, so
one spare slot serves them however full the batch is: a canary is never late because of long
answers, only because of a sick engine.

Everything that other threads touch is guarded by one lock: the waiting queue and the phase.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from .decoder import Decoder
from .request import (
    QUEUE_FULL,
    Chunk,
    EngineClosed,
    FinishReason,
    GenerationError,
    GenerationRequest,
    InvalidRequest,
    Outlet,
    QueueFull,
)
from .sampling import Logits, choose
from .text import GrowingText, Language

logger = logging.getLogger(__name__)


class _Phase(StrEnum):
    RUNNING = "running"
    CLOSED = "closed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How many requests may wait once no slot is free: for many tokens, and for a single one."""

    waiting: int
    single: int
    default_max_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    waiting: int
    running: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lane:
    """A bounded queue of requests without a slot."""

    limit: int
    queue: deque[tuple[GenerationRequest, Outlet]] = field(default_factory=deque)


@dataclass(slots=True, kw_only=True)
class _Row:
    """One running request. Its place in the batch is its slot."""

    request: GenerationRequest
    outlet: Outlet
    text: GrowingText
    random: np.random.Generator
    max_tokens: int
    last_token: int = 0
    completion_tokens: int = 0

    @property
    def length(self) -> int:
        """Tokens in the slot once ``last_token`` is appended to it."""
        return len(self.request.prompt) + self.completion_tokens


class Engine:
    def __init__(
        self,
        decoder: Decoder,
        language: Language,
        *,
        end_tokens: tuple[int, ...],
        limits: Limits,
        on_load: Callable[[Load], None] = lambda _: None,
    ) -> None:
        self._decoder = decoder
        self._language = language
        self._end_tokens = frozenset(end_tokens)
        self._limits = limits
        self._on_load = on_load
        self._rows: list[_Row] = []
        self._many = _Lane(limit=limits.waiting)
        self._single = _Lane(limit=limits.single)
        self._phase = _Phase.RUNNING
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="generation", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Ends the engine; requests that still wait or run fail with EngineClosed."""
        with self._changed:
            if self._phase is _Phase.RUNNING:
                self._phase = _Phase.CLOSED
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join()

    def submit(self, request: GenerationRequest, outlet: Outlet) -> None:
        """Queues a request; its chunks go to ``outlet`` from the engine's thread.

        Raises InvalidRequest where it cannot fit the context, QueueFull, EngineClosed.
        """
        self._check_context(request)
        lane = self._single if request.max_tokens == 1 else self._many
        with self._changed:
            if self._phase is not _Phase.RUNNING:
                raise EngineClosed(f"the model's engine is {self._phase}")
            if len(lane.queue) >= lane.limit + self._free_slots(lane):
                raise QueueFull(f"{QUEUE_FULL}: {lane.limit} requests wait already")
            lane.queue.append((request, outlet))
            self._changed.notify()

    def step(self) -> None:
        """Admits at most one request of each lane, then gives every row its next token."""
        self._drop_cancelled()
        self._report_load()
        self._admit(self._single)
        if len(self._rows) < self._decoder.slots - 1:
            self._admit(self._many)
        self._decode()

    def _run(self) -> None:
        try:
            while self._wait_for_work():
                self.step()
            error = EngineClosed("the model is being unloaded")
        except Exception:
            logger.exception("the generation engine failed")
            error = EngineClosed("the model's engine failed; its log tells why")
            with self._changed:
                self._phase = _Phase.FAILED
        self._fail_all(error)

    def _wait_for_work(self) -> bool:
        with self._changed:
            while self._phase is _Phase.RUNNING and not self._has_work():
                self._report_load()
                self._changed.wait()
            return self._phase is _Phase.RUNNING

    def _free_slots(self, lane: _Lane) -> int:
        """Slots that requests in this lane's queue will get before the next row ends."""
        return 0 if lane is self._single else self._decoder.slots - 1 - len(self._rows)

    def _has_work(self) -> bool:
        return bool(self._rows or self._single.queue or self._many.queue)

    def _check_context(self, request: GenerationRequest) -> None:
        prompt, context = len(request.prompt), self._decoder.context_length
        if prompt >= context:
            raise InvalidRequest(
                f"the prompt has {prompt} tokens; the model's context holds {context}, "
                "the answer included"
            )
        if request.max_tokens is not None and prompt + request.max_tokens > context:
            raise InvalidRequest(
                f"the prompt's {prompt} tokens and max_tokens {request.max_tokens} together exceed "
                f"the model's context of {context} tokens"
            )

    def _admit(self, lane: _Lane) -> None:
        with self._changed:
            if not lane.queue:
                return
            request, outlet = lane.queue.popleft()
        if outlet.cancelled():
            return
        row = self._new_row(request, outlet)
        self._rows.append(row)
        logits = self._decoder.prefill(len(self._rows) - 1, request.prompt)
        if not self._advance(row, logits):
            self._rows.pop()

    def _new_row(self, request: GenerationRequest, outlet: Outlet) -> _Row:
        room = self._decoder.context_length - len(request.prompt)
        return _Row(
            request=request,
            outlet=outlet,
            text=self._language.new_text(request.stops),
            random=np.random.default_rng(request.sampling.seed),
            max_tokens=request.max_tokens or min(self._limits.default_max_tokens, room),
        )

    def _decode(self) -> None:
        if not self._rows:
            return
        logits = self._decoder.decode(
            [row.last_token for row in self._rows], [row.length for row in self._rows]
        )
        going_on = [self._advance(row, logits[slot]) for slot, row in enumerate(self._rows)]
        for slot in reversed(range(len(going_on))):
            if not going_on[slot]:
                self._leave(slot)

    def _advance(self, row: _Row, logits: Logits) -> bool:
        """Gives a row its next token; whether it goes on."""
        row.last_token = choose(logits, row.request.sampling, row.random)
        row.completion_tokens += 1
        ended = row.last_token in self._end_tokens
        text = "" if ended else row.text.push(row.last_token)
        reason = _finish_reason(row, ended=ended)
        if reason is not None:
            text += row.text.flush()
        if text or reason is not None:
            row.outlet.emit(_chunk(row, text, reason))
        return reason is None

    def _leave(self, slot: int) -> None:
        """Takes a row out of the batch; the last row fills the hole."""
        last = self._rows.pop()
        if slot < len(self._rows):
            self._decoder.move(len(self._rows), slot, last.length)
            self._rows[slot] = last

    def _drop_cancelled(self) -> None:
        for slot in reversed(range(len(self._rows))):
            if self._rows[slot].outlet.cancelled():
                self._leave(slot)

    def _fail_all(self, error: GenerationError) -> None:
        with self._changed:
            outlets = [row.outlet for row in self._rows]
            for lane in (self._single, self._many):
                outlets += [outlet for _, outlet in lane.queue]
                lane.queue.clear()
            self._rows.clear()
        for outlet in outlets:
            outlet.fail(error)

    def _report_load(self) -> None:
        self._on_load(Load(waiting=len(self._many.queue), running=len(self._rows)))


def _finish_reason(row: _Row, *, ended: bool) -> FinishReason | None:
    if ended or row.text.stopped:
        return FinishReason.STOP
    if row.completion_tokens >= row.max_tokens:
        return FinishReason.LENGTH
    return None


def _chunk(row: _Row, text: str, reason: FinishReason | None) -> Chunk:
    return Chunk(
        text=text,
        prompt_tokens=len(row.request.prompt),
        completion_tokens=row.completion_tokens,
        finish_reason=reason,
    )
