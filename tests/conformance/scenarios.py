"""Reads the tables of operations and answers, and plays them against any server."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import yaml

OPERATIONS = Path(__file__).with_name("operations")
WATCH_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Server(Protocol):
    async def ask(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> Answer: ...

    def watch(self, path: str) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """The lines of a stream."""
        ...


@dataclass(frozen=True, slots=True)
class Scenario:
    name: str
    steps: list[dict[str, Any]]


def scenarios() -> Iterator[Scenario]:
    for file in sorted(OPERATIONS.glob("*.yaml")):
        for scenario in yaml.safe_load(file.read_text())["scenarios"]:
            yield Scenario(f"{file.stem}: {scenario['name']}", scenario["steps"])


async def play(scenario: Scenario, server: Server, variables: dict[str, str]) -> None:
    """Raises AssertionError at the first answer that differs."""
    namespace = {"metadata": {"name": variables["ns"]}}
    created = await _ask(
        server, {"method": "POST", "path": "/api/v1/namespaces", "body": namespace}
    )
    assert created.status == 201, created.body
    for number, step in enumerate(scenario.steps):
        where = f"{scenario.name}, step {number + 1}"
        if "watch" in step:
            await _watch(server, _filled(step["watch"], variables), where)
        else:
            await _request(server, step, variables, where)


async def _request(
    server: Server, step: dict[str, Any], variables: dict[str, str], where: str
) -> None:
    answer = await _ask(server, _filled(step["request"], variables))
    expected = _filled(step["answer"], variables)
    assert answer.status == expected["status"], f"{where}: {answer.status} {answer.body!r}"
    for name, value in expected.get("headers", {}).items():
        assert_matches(value, answer.headers.get(name), f"{where}, header {name}")
    if "body" in expected:
        assert_matches(expected["body"], answer.json(), where)
    for name, path in step.get("save", {}).items():
        variables[name] = str(_at(answer.json(), path))


async def _ask(server: Server, request: dict[str, Any]) -> Answer:
    headers = {"Accept": "application/json", **request.get("headers", {})}
    body = b""
    if "body" in request:
        headers.setdefault("Content-Type", "application/json")
        body = json.dumps(request["body"]).encode()
    elif "text" in request:
        body = request["text"].encode()
    return await server.ask(request["method"], request["path"], headers, body)


async def _watch(server: Server, watch: dict[str, Any], where: str) -> None:
    async with asyncio.timeout(WATCH_SECONDS), server.watch(watch["path"]) as lines:
        for number, expected in enumerate(watch["events"]):
            event = json.loads(await anext(lines))
            assert_matches(expected, event, f"{where}, event {number + 1}")


def _filled(value: Any, variables: Mapping[str, str]) -> Any:
    """``value`` with ``$name`` replaced by what the name stands for."""
    if isinstance(value, str):
        return re.sub(r"\$(\w+)", lambda found: variables.get(found[1], found[0]), value)
    if isinstance(value, dict):
        return {_filled(key, variables): _filled(item, variables) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, variables) for item in value]
    return value


def _at(value: Any, path: str) -> Any:
    for part in path.split("."):
        value = value[int(part)] if isinstance(value, list) else value[part]
    return value


def assert_matches(expected: Any, actual: Any, where: str) -> None:
    if isinstance(expected, dict):
        assert isinstance(actual, dict), f"{where}: {actual!r} is no object"
        for key, value in expected.items():
            if value == "<absent>":
                assert key not in actual, f"{where}.{key}: {actual[key]!r} should not be there"
            else:
                assert key in actual, f"{where}.{key}: missing in {actual!r}"
                assert_matches(value, actual[key], f"{where}.{key}")
    elif isinstance(expected, list):
        assert isinstance(actual, list), f"{where}: {actual!r} is no list"
        assert len(actual) == len(expected), f"{where}: {len(actual)} items: {actual!r}"
        for index, (value, item) in enumerate(zip(expected, actual, strict=True)):
            assert_matches(value, item, f"{where}[{index}]")
    else:
        _assert_leaf(expected, actual, where)


def _assert_leaf(expected: Any, actual: Any, where: str) -> None:
    if expected == "<present>":
        assert actual not in (None, ""), f"{where}: {actual!r}"
    elif isinstance(expected, str) and expected.startswith("<contains "):
        part = expected.removeprefix("<contains ").removesuffix(">")
        assert part in str(actual), f"{where}: {actual!r} lacks {part!r}"
    elif isinstance(expected, str) and (found := re.fullmatch(r"<size (\d+)>", expected)):
        assert len(actual) == int(found[1]), f"{where}: {len(actual)} items"
    else:
        assert actual == expected, f"{where}: {actual!r} is not {expected!r}"
