"""What clients see of a server whose every pause is known."""

import asyncio
import json
from xml.etree import ElementTree as ET

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from rich.console import Console

from moorage.failure import Failure
from moorage.gateway import Sampling, gateway
from moorage.load import Level, Workload, measure, percentile
from moorage.views.load import drawing, load_table

TOKENS = 4


class Model:
    """Answers with four tokens; refuses the client of whom that is wanted."""

    def __init__(self, refused: str = "") -> None:
        self.refused = refused
        self.asked: list[dict] = []
        self.together = self.most_together = 0
        application = web.Application()
        application.router.add_post("/v1/chat/completions", self.answer)
        self.server = TestServer(application)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.asked.append(body)
        text = body["messages"][0]["content"]
        if self.refused and text.startswith(self.refused):
            return web.json_response({"error": {"message": "queue full"}}, status=429)
        self.together += 1
        self.most_together = max(self.most_together, self.together)
        response = web.StreamResponse()
        await response.prepare(request)
        for number in range(TOKENS):
            await asyncio.sleep(0.01)
            event = {"choices": [{"delta": {"content": str(number)}}]}
            await response.write(f"data: {json.dumps(event)}\n\n".encode())
        usage = {"choices": [], "usage": {"completion_tokens": TOKENS}}
        await response.write(f"data: {json.dumps(usage)}\n\n".encode())
        self.together -= 1
        return response


async def measured(model: Model, streams: list[int], *, each=2, **workload) -> list[Level]:
    settings = {"each": each, "long_prompts": False, "sampling": Sampling(temperature=0)}
    async with model.server, gateway(str(model.server.make_url("/")), "model") as client:
        found = measure(client, streams, Workload(**{**settings, **workload}))
        return [level async for level in found]


async def test_every_level_asks_with_so_many_clients_at_once():
    model = Model()
    levels = await measured(model, [1, 3])
    assert [(level.streams, level.answers, level.failed) for level in levels] == [
        *((1, 2, 0), (3, 6, 0))
    ]
    assert model.most_together == 3
    assert len(model.asked) == 1 + 2 + 6  # one to warm up


async def test_no_two_prompts_of_a_level_begin_alike():
    model = Model()
    await measured(model, [4])
    openings = [body["messages"][0]["content"][:4] for body in model.asked]
    assert len(set(openings)) == len(openings)


async def test_what_is_measured_is_what_the_server_takes():
    (level,) = await measured(Model(), [2])
    assert 0.01 <= level.gap_seconds <= level.gap_seconds_p99
    assert 0.01 <= level.first_seconds <= level.first_seconds_p99
    assert 0 < level.tokens_per_second <= 2 * TOKENS / 0.04


async def test_who_is_refused_is_counted():
    (level,) = await measured(Model(refused="1."), [2])
    assert (level.answers, level.failed) == (2, 2)


async def test_a_server_that_answers_nobody_is_a_failure():
    with pytest.raises(Failure, match="queue full"):
        await measured(Model(refused="0."), [1])


async def test_long_prompts_are_long():
    model = Model()
    await measured(model, [1], long_prompts=True)
    assert len(model.asked[-1]["messages"][0]["content"].split()) > 250


@pytest.mark.parametrize(
    ("values", "share", "value"), [([3, 1, 2], 0.5, 2), ([1], 0.99, 1), (range(1, 101), 0.99, 99)]
)
def test_percentiles_are_values_that_occurred(values, share, value):
    assert percentile(list(values), share) == value


LEVEL = Level(
    streams=4,
    answers=11,
    failed=1,
    tokens_per_second=120.4,
    first_seconds=0.1512,
    first_seconds_p99=0.3,
    gap_seconds=0.02,
    gap_seconds_p99=0.09,
)


def test_the_table_tells_failures_and_milliseconds():
    console = Console(width=200)
    with console.capture() as captured:
        console.print(load_table("default/smollm2", [LEVEL]))
    assert captured.get().splitlines()[-1].split() == [
        *("4", "120", "30", "151", "ms", "300", "ms", "20", "ms", "90", "ms", "1", "of", "12")
    ]


@pytest.mark.parametrize("levels", [[LEVEL], [LEVEL, LEVEL]])
def test_the_drawing_is_svg_with_every_value(levels):
    root = ET.fromstring(drawing("a & b", levels))
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert "a & b" in texts
    assert {"120", "151", "90", "4"} <= set(texts)
