"""Continuous batching: requests join and leave the running batch between any two tokens.

One thread owns the decoder and runs ``step`` while there is work. A step computes at most one chunk
of a waiting prompt, and then the next token of every running row. Chunks are short while rows run,
so that a long prompt never makes them wait for long, and long where nobody waits. When a row ends,
the last row moves into its slot: running rows always fill the first slots.

Prompts are computed in *stages*, slots beside those of the rows. Requests for a single token have a
stage of their own, and need no row at all: a canary is never late because of long answers, only
because of a sick engine.

Everything that other threads touch is guarded by one lock: the waiting queues and the phase.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from .adapters import Adapters
from .decoder import Decoder
from .prefix_cache import PrefixCache
from .request import (
    DEADLINE_PASSED,
    QUEUE_FULL,
    EngineClosed,
    Expired,
    GenerationError,
    GenerationRequest,
    InvalidRequest,
    Outlet,
    QueueFull,
)
from .row import Row
from .sampling import Logits
from .text import Language

logger = logging.getLogger(__name__)

LONG_CHUNK_TOKENS = 128
"""Of a prompt, at once, while no row runs; a cancellation waits for no more than that."""


class _Phase(StrEnum):
    RUNNING = "running"
    CLOSED = "closed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What requests may take.

    ``waiting`` and ``single``: how many may wait, of those for many tokens and of those for a
    single one. ``chunk_tokens``: how many of a prompt's tokens are computed between two steps of
    running rows, which wait for them. ``draft_tokens``: how many tokens ahead are guessed where one
    row runs alone; 0 for an answer that is the same, to the last bit of its logits, in every
    company.
    """

    waiting: int
    single: int
    default_max_tokens: int
    chunk_tokens: int
    draft_tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What the engine does now, and has done since it was made."""

    waiting: int
    running: int
    cached_tokens: int
    """Tokens in the slots of running rows."""
    prompt_tokens_total: int
    reused_tokens_total: int
    """Of the prompts' tokens, those whose keys and values were kept from earlier prompts."""
    completion_tokens_total: int


@dataclass(slots=True, kw_only=True)
class _Stage:
    """Where requests of one kind wait, and the slot in which one prompt at a time is computed."""

    slot: int
    limit: int
    queue: deque[Row] = field(default_factory=deque)
    row: Row | None = None
    filled: int = 0
    """Tokens of the row's prompt that are in the slot."""


class Engine:
    def __init__(
        self,
        decoder: Decoder,
        language: Language,
        *,
        end_tokens: tuple[int, ...],
        limits: Limits,
        adapters: Adapters,
        prefixes: PrefixCache,
        on_load: Callable[[Load], None] = lambda _: None,
    ) -> None:
        self._decoder = decoder
        self._language = language
        self._end_tokens = frozenset(end_tokens)
        self._limits = limits
        self._adapters = adapters
        self._prefixes = prefixes
        self._on_load = on_load
        self._rows: list[Row] = []
        self._many = _Stage(slot=decoder.rows, limit=limits.waiting)
        self._single = _Stage(slot=decoder.rows + 1, limit=limits.single)
        self._prompt_tokens = self._reused_tokens = self._completion_tokens = 0
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

        Raises InvalidRequest where it cannot fit the context, UnknownAdapter, QueueFull,
        EngineClosed.
        """
        self._check_context(request)
        row = self._new_row(request, outlet)
        stage = self._single if request.max_tokens == 1 else self._many
        try:
            with self._changed:
                if self._phase is not _Phase.RUNNING:
                    raise EngineClosed(f"the model's engine is {self._phase}")
                if len(stage.queue) >= stage.limit + self._free_rows(stage):
                    raise QueueFull(f"{QUEUE_FULL}: {stage.limit} requests wait already")
                stage.queue.append(row)
                self._changed.notify()
        except GenerationError:
            self._adapters.give_back(row.adapters)
            raise

    def step(self) -> None:
        """Computes a chunk of at most one prompt of each stage, then every row's next token."""
        self._drop_the_gone()
        self._report_load()
        for stage in (self._single, self._many):
            self._fill(stage)
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

    def _has_work(self) -> bool:
        return bool(self._rows) or any(
            stage.queue or stage.row for stage in (self._single, self._many)
        )

    def _free_rows(self, stage: _Stage) -> int:
        """Rows that requests in this stage's queue will get before the next row ends."""
        if stage is self._single:
            return 0
        return self._decoder.rows - len(self._rows) - (stage.row is not None)

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

    def _new_row(self, request: GenerationRequest, outlet: Outlet) -> Row:
        room = self._decoder.context_length - len(request.prompt)
        return Row(
            request=request,
            outlet=outlet,
            text=self._language.new_text(request.stops),
            adapters=self._adapters.take(request.adapters),
            end_tokens=self._end_tokens,
            max_tokens=request.max_tokens or min(self._limits.default_max_tokens, room),
        )

    def _fill(self, stage: _Stage) -> None:
        """Computes the next chunk of the stage's prompt; after the last, the row joins the rest."""
        if stage.row is None:
            self._admit(stage)
        row = stage.row
        if row is None:
            return
        prompt = row.request.prompt
        most = self._limits.chunk_tokens if self._rows else LONG_CHUNK_TOKENS
        end = stage.filled + chunk_length(len(prompt) - stage.filled, most)
        chunk = prompt[stage.filled : end]
        logits = self._decoder.extend(stage.slot, stage.filled, chunk, row.adapters)
        stage.filled = end
        if end == len(prompt):
            stage.row = None
            self._keep_prefix(stage.slot, row)
            self._join(stage.slot, row, logits[-1])

    def _admit(self, stage: _Stage) -> None:
        if stage is self._many and len(self._rows) == self._decoder.rows:
            return
        with self._changed:
            if not stage.queue:
                return
            row = stage.queue.popleft()
        stage.row, stage.filled = row, 0
        prompt = row.request.prompt
        # Two tokens at least are computed: of one alone, onnxruntime's last bits differ.
        for block in self._prefixes.find(row.adapters, prompt[:-2]):
            self._decoder.write(stage.slot, stage.filled, block)
            stage.filled += self._prefixes.block_tokens
        self._prompt_tokens += len(prompt)
        self._reused_tokens += stage.filled

    def _keep_prefix(self, slot: int, row: Row) -> None:
        size, prompt = self._prefixes.block_tokens, row.request.prompt
        for place in self._prefixes.missing(row.adapters, prompt):
            block = self._decoder.read(slot, place * size, (place + 1) * size)
            self._prefixes.keep(row.adapters, prompt, place, block)

    def _join(self, slot: int, row: Row, logits: Logits) -> None:
        if not self._advance(row, logits):
            self._adapters.give_back(row.adapters)
            return
        self._decoder.copy(slot, len(self._rows), len(row.request.prompt))
        self._rows.append(row)

    def _decode(self) -> None:
        if not self._rows:
            return
        draft = self._rows[0].draft(self._limits.draft_tokens) if len(self._rows) == 1 else []
        if draft:
            self._check(self._rows[0], draft)
            return
        logits = self._decoder.decode(
            [row.last_token for row in self._rows],
            [len(row.tokens) for row in self._rows],
            [row.adapters for row in self._rows],
        )
        going_on = [self._advance(row, logits[slot]) for slot, row in enumerate(self._rows)]
        for slot in reversed(range(len(going_on))):
            if not going_on[slot]:
                self._leave(slot)

    def _check(self, row: Row, draft: list[int]) -> None:
        """Computes the only row's last token and a draft at once; keeps as much as is right.

        What was computed beyond that is overwritten by what follows.
        """
        tokens = [row.last_token, *draft]
        logits = self._decoder.extend(
            0, len(row.tokens) - 1, tokens, row.adapters, positions=len(tokens)
        )
        for accepted, guess in enumerate([*draft, None]):
            if not self._advance(row, logits[accepted]):
                self._leave(0)
                return
            if row.last_token != guess:
                row.judge(accepted)
                return

    def _advance(self, row: Row, logits: Logits) -> bool:
        self._completion_tokens += 1
        return row.advance(logits)

    def _leave(self, slot: int) -> None:
        """Takes a row out of the batch; the last row fills the hole."""
        self._adapters.give_back(self._rows[slot].adapters)
        last = self._rows.pop()
        if slot < len(self._rows):
            self._decoder.copy(len(self._rows), slot, len(last.tokens))
            self._rows[slot] = last

    def _drop_the_gone(self) -> None:
        """Forgets requests that nobody waits for, or whose time is over."""
        now = time.monotonic()
        for slot in reversed(range(len(self._rows))):
            if _is_gone(self._rows[slot], now):
                self._leave(slot)
        for stage in (self._single, self._many):
            if stage.row is not None and _is_gone(stage.row, now):
                self._adapters.give_back(stage.row.adapters)
                stage.row = None
            with self._changed:
                queued = list(stage.queue)
            for row in queued:
                if _is_gone(row, now):
                    self._adapters.give_back(row.adapters)
                    with self._changed:
                        stage.queue.remove(row)

    def _fail_all(self, error: GenerationError) -> None:
        with self._changed:
            rows = list(self._rows)
            for stage in (self._single, self._many):
                rows += [*([stage.row] if stage.row else []), *stage.queue]
                stage.row = None
                stage.queue.clear()
            self._rows.clear()
        for row in rows:
            self._adapters.give_back(row.adapters)
            row.outlet.fail(error)

    def _report_load(self) -> None:
        load = Load(
            waiting=len(self._many.queue) + (self._many.row is not None),
            running=len(self._rows),
            cached_tokens=sum(len(row.tokens) for row in self._rows),
            prompt_tokens_total=self._prompt_tokens,
            reused_tokens_total=self._reused_tokens,
            completion_tokens_total=self._completion_tokens,
        )
        self._on_load(load)


def chunk_length(left: int, most: int) -> int:
    """How many of the ``left`` tokens come next; never so many that a single one is left.

    Of a single token, onnxruntime computes attention by another kernel, whose last bits differ.
    """
    if left <= most:
        return left
    return most - 1 if left - most == 1 else most


def _is_gone(row: Row, now: float) -> bool:
    if row.outlet.cancelled():
        return True
    deadline = row.request.deadline
    if deadline is None or now < deadline:
        return False
    row.outlet.fail(
        Expired(f"{DEADLINE_PASSED} after {row.completion_tokens} tokens of the answer")
    )
    return True
