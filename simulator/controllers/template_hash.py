"""Names for revisions of a pod template, the same for equal templates at any time."""

import hashlib
import json

from simulator.kubernetes.status import Object

# Without vowels and look-alikes, as k8s.io/apimachinery's SafeEncodeString: no words by accident.
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"


def safe_hash(*facts: object, length: int = 10) -> str:
    canonical = json.dumps(facts, sort_keys=True, separators=(",", ":"), default=str)
    digest = hashlib.sha256(canonical.encode()).digest()
    return "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in digest[:length])


def template_hash(template: Object, collisions: int = 0) -> str:
    return safe_hash(template, collisions)
