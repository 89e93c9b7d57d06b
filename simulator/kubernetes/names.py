"""What objects and labels may be called (RFC 1123, RFC 1035, apimachinery's validation rules)."""

import re
from enum import Enum

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = re.compile(rf"{_LABEL}(\.{_LABEL})*")
_DNS_LABEL = re.compile(_LABEL)
_DNS_1035 = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_QUALIFIED_PART = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")

_SUBDOMAIN_MESSAGE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used "
    "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_LABEL_MESSAGE = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "
    "must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used "
    "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
_DNS_1035_MESSAGE = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an "
    "alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', "
    "regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"
)


class NameRule(Enum):
    DNS_SUBDOMAIN = "subdomain"
    DNS_LABEL = "label"
    DNS_1035_LABEL = "dns-1035"
    PATH_SEGMENT = "path"


def name_problems(name: str, rule: NameRule) -> list[str]:
    """Why ``name`` may not be used, in the API server's words; empty where it may."""
    match rule:
        case NameRule.DNS_SUBDOMAIN:
            return _problems(name, _SUBDOMAIN, 253, _SUBDOMAIN_MESSAGE)
        case NameRule.DNS_LABEL:
            return _problems(name, _DNS_LABEL, 63, _LABEL_MESSAGE)
        case NameRule.DNS_1035_LABEL:
            return _problems(name, _DNS_1035, 63, _DNS_1035_MESSAGE)
        case NameRule.PATH_SEGMENT:
            return _path_segment_problems(name)


def _problems(name: str, pattern: re.Pattern[str], longest: int, message: str) -> list[str]:
    problems = []
    if len(name) > longest:
        problems.append(f"must be no more than {longest} characters")
    if not pattern.fullmatch(name):
        problems.append(message)
    return problems


def _path_segment_problems(name: str) -> list[str]:
    if name in {".", ".."}:
        return [f"may not be '{name}'"]
    return [f"may not contain '{bad}'" for bad in ("/", "%") if bad in name]


def label_key_problems(key: str) -> list[str]:
    prefix, slash, last = key.rpartition("/")
    problems = []
    if slash:
        problems += [f"prefix part {problem}" for problem in _prefix_problems(prefix)]
    if not last:
        problems.append("name part must be non-empty")
    elif len(last) > 63:  # noqa: PLR2004 - the limit of a qualified name's last part
        problems.append("name part must be no more than 63 characters")
    elif not _QUALIFIED_PART.fullmatch(last):
        problems.append(
            "name part must consist of alphanumeric characters, '-', '_' or '.', and must start "
            "and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', "
            "regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
        )
    return problems


def _prefix_problems(prefix: str) -> list[str]:
    return name_problems(prefix, NameRule.DNS_SUBDOMAIN) if prefix else ["must be non-empty"]


def label_value_problems(value: object) -> list[str]:
    if not isinstance(value, str):
        return ["must be a string"]
    problems = []
    if len(value) > 63:  # noqa: PLR2004 - the limit of a label's value
        problems.append("must be no more than 63 characters")
    if value and not _QUALIFIED_PART.fullmatch(value):
        problems.append(
            "a valid label must be an empty string or consist of alphanumeric characters, '-', "
            "'_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  "
            "or 'my_value',  or '12345', regex used for validation is "
            "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
        )
    return problems
