"""llama.cpp over its own batch API, for a comparison: runs where ``llama-cpp-python`` is installed.

``python llama_contestant.py MODEL.gguf THREADS`` reads lines ``{"prompts": [[...]], "count": N}``
and answers each with ``{"first_seconds": [...], "seconds": S}``: greedy decoding of all prompts
together, from their first token to their last.
"""
# ruff: noqa: T201

import json
import sys
import time

import llama_cpp
import numpy as np

CONTEXT = 1024
SEQUENCES = 16
BATCH = 512


class Contestant:
    def __init__(self, path: str, threads: int) -> None:
        settings = llama_cpp.llama_model_default_params()
        self._model = llama_cpp.llama_model_load_from_file(path.encode(), settings)
        context = llama_cpp.llama_context_default_params()
        context.n_ctx = CONTEXT * SEQUENCES
        context.n_batch = context.n_ubatch = BATCH
        context.n_seq_max = SEQUENCES
        context.n_threads = context.n_threads_batch = threads
        self._context = llama_cpp.llama_init_from_model(self._model, context)
        vocabulary = llama_cpp.llama_model_get_vocab(self._model)
        self._vocabulary_size = llama_cpp.llama_vocab_n_tokens(vocabulary)
        self._batch = llama_cpp.llama_batch_init(BATCH, 0, 1)

    def answer(self, prompts: list[list[int]], count: int) -> dict[str, object]:
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(self._context), True)
        start = time.perf_counter()
        tokens, first = [], []
        for sequence, prompt in enumerate(prompts):
            tokens.append(self._prefill(sequence, prompt))
            first.append(time.perf_counter() - start)
        lengths = [len(prompt) for prompt in prompts]
        for _ in range(count - 1):
            entries = [(token, lengths[row], row, True) for row, token in enumerate(tokens)]
            tokens = self._run(entries)
            lengths = [length + 1 for length in lengths]
        return {"first_seconds": first, "seconds": time.perf_counter() - start}

    def _prefill(self, sequence: int, prompt: list[int]) -> int:
        last = len(prompt) - 1
        entries = [(token, at, sequence, at == last) for at, token in enumerate(prompt)]
        return self._run(entries)[0]

    def _run(self, entries: list[tuple[int, int, int, bool]]) -> list[int]:
        """Computes ``(token, position, sequence, wanted)``; the likeliest tokens that follow."""
        batch = self._batch
        batch.n_tokens = len(entries)
        for place, (token, position, sequence, wanted) in enumerate(entries):
            batch.token[place] = token
            batch.pos[place] = position
            batch.n_seq_id[place] = 1
            batch.seq_id[place][0] = sequence
            batch.logits[place] = wanted
        if llama_cpp.llama_decode(self._context, batch):
            raise RuntimeError("llama_decode failed")
        return [
            int(np.argmax(self._logits(place))) for place, entry in enumerate(entries) if entry[3]
        ]

    def _logits(self, place: int) -> np.ndarray:
        pointer = llama_cpp.llama_get_logits_ith(self._context, place)
        return np.ctypeslib.as_array(pointer, shape=(self._vocabulary_size,))


def main() -> None:
    contestant = Contestant(sys.argv[1], int(sys.argv[2]))
    print(json.dumps({"version": llama_cpp.__version__}), flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps(contestant.answer(asked["prompts"], asked["count"])), flush=True)


if __name__ == "__main__":
    main()
