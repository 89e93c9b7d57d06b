"""String and number formats that structural schemas may ask for.

The list is that of apiextensions' supported formats; an unknown format holds nothing against a
value, as in Kubernetes.
"""

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

_DURATION = re.compile(r"^[-+]?(0|([0-9]*\.?[0-9]+(ns|us|µs|ms|s|m|h|d|w))+)$")
_HOST_NAME = re.compile(r"^([a-zA-Z0-9]([-a-zA-Z0-9]{0,61}[a-zA-Z0-9])?\.?)+$")
_EMAIL = re.compile(r"^[^@\s]+@[^@\s]+$")
_MAC = re.compile(r"^([0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}$")
_DATE_TIME = re.compile(r"^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$")


def matches_format(name: str, value: Any) -> bool:
    """Whether ``value`` has the format, or is of a type the format does not speak of."""
    if isinstance(value, str):
        check = _STRINGS.get(name)
        return check is None or _accepts(check, value)
    bounds = _INTEGERS.get(name)
    return bounds is None or bounds[0] <= value <= bounds[1]


def _accepts(check: Callable[[str], object], value: str) -> bool:
    try:
        return bool(check(value))
    except (ValueError, binascii.Error):
        return False


def _date_time(value: str) -> bool:
    return bool(_DATE_TIME.search(value) and datetime.fromisoformat(value[:19].replace("t", "T")))


def _uri(value: str) -> bool:
    parts = urlsplit(value)
    return bool(parts.scheme or parts.path.startswith("/"))


_STRINGS: dict[str, Callable[[str], object]] = {
    "byte": lambda value: base64.b64decode(value, validate=True) is not None,
    "cidr": lambda value: "/" in value and ipaddress.ip_network(value, strict=False),
    "date": lambda value: len(value) == len("2006-01-02") and date.fromisoformat(value),
    "date-time": _date_time,
    "datetime": _date_time,
    "duration": _DURATION.search,
    "email": _EMAIL.search,
    "hostname": lambda value: len(value) <= 255 and _HOST_NAME.search(value),  # noqa: PLR2004 - RFC 1123
    "ipv4": ipaddress.IPv4Address,
    "ipv6": ipaddress.IPv6Address,
    "mac": _MAC.search,
    "uri": _uri,
    "uuid": UUID,
}
_INTEGERS = {
    "int32": (-(1 << 31), (1 << 31) - 1),
    "int64": (-(1 << 63), (1 << 63) - 1),
}
