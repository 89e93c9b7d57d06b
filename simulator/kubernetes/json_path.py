"""The JSONPath of printer columns and scale paths: fields, indexes, wildcards and filters.

``.a.b``, ``['a']``, ``[0]``, ``[*]``, ``\\.`` in names, and ``[?(@.type=="Ready")]`` with
``== != < <= > >=``; the dialect of k8s.io/client-go/util/jsonpath as far as CRDs use it.
"""

import operator
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

_Step = Callable[[Any], Iterator[Any]]

_TOKEN = re.compile(
    r"\.\.(?P<deep>[^.\[\]]+)"
    r"|\.(?P<name>(?:\\.|[^.\[\]\\])+)"
    r"|\[\s*'(?P<single>[^']*)'\s*\]"
    r'|\[\s*"(?P<double>[^"]*)"\s*\]'
    r"|\[(?P<index>-?\d+)\]"
    r"|\[(?P<star>\*)\]"
    r"|\[\?\((?P<filter>.*?)\)\]"
)
_FILTER = re.compile(r"\s*@(?P<path>[^=!<>]*?)\s*(?:(?P<op>==|!=|<=|>=|<|>)\s*(?P<value>.+?))?\s*")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def find(path: str, value: Any) -> list[Any]:
    """Every value at ``path``. Raises ValueError where the path can't be understood."""
    found = [value]
    for step in _steps(path):
        found = [inner for outer in found for inner in step(outer)]
    return found


def first(path: str, value: Any) -> Any:
    """The first value at ``path``, or None."""
    return next(iter(find(path, value)), None)


def is_valid(path: str) -> bool:
    try:
        _steps(path)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=1024)
def _steps(path: str) -> tuple[_Step, ...]:
    text = path.strip().removeprefix("{").removesuffix("}").removeprefix("$")
    steps: list[_Step] = []
    position = 0
    while position < len(text) and text != ".":
        token = _TOKEN.match(text, position)
        if token is None:
            raise ValueError(f"unexpected {text[position:]!r} in the JSON path {path!r}")
        steps.append(_step(token))
        position = token.end()
    return tuple(steps)


def _step(token: re.Match[str]) -> _Step:  # noqa: PLR0911 - one kind of step each
    match token.lastgroup:
        case "index":
            return _item_at(int(token["index"]))
        case "star":
            return _every
        case "filter":
            return _matching(token["filter"])
        case "deep":
            return _anywhere(token["deep"])
        case "name" if token["name"] == "*":
            return _every
        case "name":
            return _field(re.sub(r"\\(.)", r"\1", token["name"]))
        case group:
            return _field(token[str(group)])


def _field(name: str) -> _Step:
    def step(value: Any) -> Iterator[Any]:
        if isinstance(value, dict) and name in value:
            yield value[name]

    return step


def _item_at(index: int) -> _Step:
    def step(value: Any) -> Iterator[Any]:
        if isinstance(value, list) and -len(value) <= index < len(value):
            yield value[index]

    return step


def _every(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _anywhere(name: str) -> _Step:
    def step(value: Any) -> Iterator[Any]:
        if isinstance(value, dict) and name in value:
            yield value[name]
        for inner in _every(value):
            yield from step(inner)

    return step


def _matching(condition: str) -> _Step:
    parts = _FILTER.fullmatch(condition)
    if parts is None:
        raise ValueError(f"the JSON path filter {condition!r} is not understood")
    path, wanted = parts["path"], _literal(parts["value"])
    compare = _COMPARE.get(parts["op"] or "")
    _steps(path)

    def step(value: Any) -> Iterator[Any]:
        for item in _every(value):
            found = find(path, item)
            if compare is None:
                chosen = bool(found)
            else:
                chosen = any(_compares(compare, each, wanted) for each in found)
            if chosen:
                yield item

    return step


def _compares(compare: Callable[[Any, Any], bool], found: Any, wanted: Any) -> bool:
    try:
        return compare(found, wanted)
    except TypeError:
        return False


def _literal(text: str | None) -> Any:
    if text is None:
        return None
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1]
    if text in {"true", "false"}:
        return text == "true"
    try:
        return float(text) if "." in text else int(text)
    except ValueError:
        return text
