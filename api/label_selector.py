"""The grammar of Kubernetes label selectors; the store evaluates them.

Source: ``k8s.io/apimachinery/pkg/labels`` (its ``Parse``).
"""

import re

MAX_LENGTH = 2048  # keeps the time that a hostile selector can take to a fraction of a second
_PREFIX = r"(?:[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?/)?"
_WORD = r"[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_KEY = _PREFIX + _WORD
_VALUE = rf"(?:{_WORD})?"
_REQUIREMENT = re.compile(
    rf"\s*(?:!\s*{_KEY}"
    rf"|{_KEY}\s*(?:(?:==?|!=)\s*{_VALUE})?"
    rf"|{_KEY}\s+(?:in|notin)\s*\(\s*{_VALUE}\s*(?:,\s*{_VALUE}\s*)*\))\s*"
)
_COMMA_OUTSIDE_PARENTHESES = re.compile(r",(?![^(]*\))")


def is_valid(selector: str) -> bool:
    if not selector.strip():
        return True
    if len(selector) > MAX_LENGTH:
        return False
    requirements = _COMMA_OUTSIDE_PARENTHESES.split(selector)
    return all(_REQUIREMENT.fullmatch(requirement) for requirement in requirements)
