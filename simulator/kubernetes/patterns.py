"""Regular expressions in the dialect of Go's regexp, which Kubernetes speaks.

RE2 matches in linear time, so that no stranger's pattern can hang the API server.
"""

from functools import lru_cache
from typing import Any

import re2


@lru_cache(maxsize=2048)
def compiled(pattern: str) -> Any:
    """Raises ValueError for a pattern that does not compile."""
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as failure:
        reason = failure.args[0].decode() if failure.args else "unknown reason"
        raise ValueError(f"regular expression {pattern!r} does not compile: {reason}") from failure
