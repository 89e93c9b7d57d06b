"""Functions that Kubernetes adds to CEL ("Common Expression Language in Kubernetes", its docs).

The engine knows no types but CEL's own, so a quantity, URL, IP address or network is a map with one
entry that holds its text. Left out: ``authorizer``, ``format``, ``semver``, and ``indexOf`` of
lists, whose name the engine keeps for strings.
"""

import ipaddress
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from urllib.parse import SplitResult, urlsplit

from cel_expr_python.cel import FunctionDecl, Overload, Type
from kubernetes.utils.quantity import parse_quantity

from simulator.kubernetes.patterns import compiled

_STRING, _INT, _BOOL, _DYN, _LIST = Type.STRING, Type.INT, Type.BOOL, Type.DYN, Type.LIST
_TAGGED = Type.MAP
_MAX_INT = 1 << 63
_QUANTITY = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3}|[numkMGTPE]|[KMGTPE]i)?")
_Implementation = Callable[..., Any]


def kubernetes_functions() -> list[FunctionDecl]:
    return [*_REGEX, *_LISTS, *_SETS, *_QUANTITIES, *_URLS, *_ADDRESSES]


def _function(name: str, result: Type, *parameters: Type, of: _Implementation) -> FunctionDecl:
    return FunctionDecl(name, [_overload(name, result, parameters, of, is_member=False)])


def _method(name: str, result: Type, *parameters: Type, of: _Implementation) -> FunctionDecl:
    return FunctionDecl(name, [_overload(name, result, parameters, of, is_member=True)])


def _overload(
    name: str,
    result: Type,
    parameters: tuple[Type, ...],
    implementation: _Implementation,
    *,
    is_member: bool,
) -> Overload:
    identity = "_".join([name, *(parameter.name() for parameter in parameters)])
    return Overload(
        id=identity,
        return_type=result,
        parameters=list(parameters),
        is_member=is_member,
        impl=implementation,
    )


def _succeeds(parse: Callable[[str], Any]) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        try:
            parse(text)
        except ValueError:
            return False
        return True

    return check


def _find(text: str, pattern: str) -> str:
    match = compiled(pattern).search(text)
    return match.group() if match else ""


def _find_all(text: str, pattern: str, limit: int = -1) -> list[str]:
    found = [match.group() for match in compiled(pattern).finditer(text)]
    return found if limit < 0 else found[:limit]


_REGEX = [
    _method("find", _STRING, _STRING, _STRING, of=_find),
    FunctionDecl(
        "findAll",
        [
            _overload("findAll", _LIST, (_STRING, _STRING), _find_all, is_member=True),
            _overload("findAll", _LIST, (_STRING, _STRING, _INT), _find_all, is_member=True),
        ],
    ),
]
_LISTS = [
    _method("isSorted", _BOOL, _LIST, of=lambda items: list(items) == sorted(items)),
    _method("sum", _DYN, _LIST, of=sum),
    _method("min", _DYN, _LIST, of=min),
    _method("max", _DYN, _LIST, of=max),
]


def _contains(items: list[Any], wanted: list[Any]) -> bool:
    return all(item in items for item in wanted)


_SETS = [
    _function("sets.contains", _BOOL, _LIST, _LIST, of=_contains),
    _function(
        "sets.equivalent",
        _BOOL,
        _LIST,
        _LIST,
        of=lambda one, other: _contains(one, other) and _contains(other, one),
    ),
    _function(
        "sets.intersects",
        _BOOL,
        _LIST,
        _LIST,
        of=lambda one, other: any(item in one for item in other),
    ),
]


def _quantity(text: str) -> dict[str, str]:
    return _tagged_amount(_parse_quantity(text))


def _parse_quantity(text: str) -> Decimal:
    # The library lets pass what Decimal does: spaces, underscores, "NaN".
    if not _QUANTITY.fullmatch(text):
        raise ValueError(f"{text!r} is not a quantity such as 500m, 2 or 16Gi")
    amount: Decimal = parse_quantity(text)  # type: ignore[no-untyped-call]
    return amount


def _tagged_amount(amount: Decimal) -> dict[str, str]:
    return {"quantity": format(amount.normalize(), "f")}


def _amount(tagged: dict[str, str]) -> Decimal:
    return Decimal(tagged["quantity"])


def _compare(one: dict[str, str], other: dict[str, str]) -> int:
    return (_amount(one) > _amount(other)) - (_amount(one) < _amount(other))


def _is_integer(tagged: dict[str, str]) -> bool:
    amount = _amount(tagged)
    return amount % 1 == 0 and -_MAX_INT <= amount < _MAX_INT


def _as_integer(tagged: dict[str, str]) -> int:
    if not _is_integer(tagged):
        raise ValueError("cannot convert value to integer")
    return int(_amount(tagged))


def _sign(tagged: dict[str, str]) -> int:
    amount = _amount(tagged)
    return (amount > 0) - (amount < 0)


_QUANTITIES = [
    _function("quantity", _DYN, _STRING, of=_quantity),
    _function("isQuantity", _BOOL, _STRING, of=_succeeds(_parse_quantity)),
    _method("sign", _INT, _TAGGED, of=_sign),
    _method("isInteger", _BOOL, _TAGGED, of=_is_integer),
    _method("asInteger", _INT, _TAGGED, of=_as_integer),
    _method("asApproximateFloat", Type.DOUBLE, _TAGGED, of=lambda one: float(_amount(one))),
    _method("compareTo", _INT, _TAGGED, _TAGGED, of=_compare),
    _method("isGreaterThan", _BOOL, _TAGGED, _TAGGED, of=lambda *both: _compare(*both) > 0),
    _method("isLessThan", _BOOL, _TAGGED, _TAGGED, of=lambda *both: _compare(*both) < 0),
    _method(
        "add",
        _DYN,
        _TAGGED,
        _TAGGED,
        of=lambda one, other: _tagged_amount(_amount(one) + _amount(other)),
    ),
    _method(
        "sub",
        _DYN,
        _TAGGED,
        _TAGGED,
        of=lambda one, other: _tagged_amount(_amount(one) - _amount(other)),
    ),
]


def _parts(text: str) -> SplitResult:
    """Go's url.ParseRequestURI: an absolute URL or an absolute path."""
    parts = urlsplit(text)
    if not (parts.scheme or text.startswith("/")) or any(c.isspace() for c in text):
        raise ValueError(f"{text!r} is not an absolute URL or path")
    _ = parts.port  # raises ValueError where it is no port
    return parts


def _url(text: str) -> dict[str, str]:
    _parts(text)
    return {"url": text}


def _of_url(read: Callable[[SplitResult], str]) -> Callable[[dict[str, str]], str]:
    return lambda tagged: read(_parts(tagged["url"]))


_URLS = [
    _function("isURL", _BOOL, _STRING, of=_succeeds(_parts)),
    _function("url", _DYN, _STRING, of=_url),
    _method("getScheme", _STRING, _TAGGED, of=_of_url(lambda url: url.scheme)),
    _method("getHost", _STRING, _TAGGED, of=_of_url(lambda url: url.netloc.rpartition("@")[2])),
    _method("getHostname", _STRING, _TAGGED, of=_of_url(lambda url: url.hostname or "")),
    _method("getPort", _STRING, _TAGGED, of=_of_url(lambda url: str(url.port or ""))),
    _method("getEscapedPath", _STRING, _TAGGED, of=_of_url(lambda url: url.path)),
]


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    if "/" not in text:
        raise ValueError(f"{text!r} is not a network in CIDR notation")
    return ipaddress.ip_network(text, strict=False)


def _tagger(tag: str, parse: Callable[[str], Any]) -> Callable[[str], dict[str, str]]:
    return lambda text: {tag: str(parse(text))}


def _contains_ip(network: dict[str, str], address: str) -> bool:
    return ipaddress.ip_address(address) in _network(network["cidr"])


_ADDRESSES = [
    _function("isIP", _BOOL, _STRING, of=_succeeds(ipaddress.ip_address)),
    _function("isCIDR", _BOOL, _STRING, of=_succeeds(_network)),
    _function("ip", _DYN, _STRING, of=_tagger("ip", ipaddress.ip_address)),
    _function("cidr", _DYN, _STRING, of=_tagger("cidr", _network)),
    _method(
        "family",
        _INT,
        _TAGGED,
        of=lambda address: ipaddress.ip_address(address["ip"]).version,
    ),
    _method("containsIP", _BOOL, _TAGGED, _STRING, of=_contains_ip),
    _method("prefixLength", _INT, _TAGGED, of=lambda network: _network(network["cidr"]).prefixlen),
]
