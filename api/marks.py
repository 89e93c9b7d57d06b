"""The marks that changes leave on their workspace: by which request each was made.

An answer may be lost, and the server that gave it with it. Whoever asks again under the same
request id is to hear that it is done, not that someone's workspace is in the way (AIP-155).
"""

import hashlib
from collections.abc import Mapping
from typing import Protocol

from google.protobuf.message import Message

from api.errors import RequestIdReused
from engine.workspace import Workspace

REQUEST_ANNOTATION = "moorage.sh/request"
KEPT = 8
"""The latest so many changes are known; whoever repeats a request does so before as many others."""
DIGEST_LENGTH = 16


class Request(Protocol):
    """A request for a change."""

    @property
    def request_id(self) -> str: ...

    def SerializeToString(self, *, deterministic: bool = ...) -> bytes: ...  # noqa: N802 - protobuf's


def digest(request: Request | Message) -> str:
    """Of all that is asked for; the same for the same request."""
    body = request.SerializeToString(deterministic=True)
    return hashlib.sha256(type(request).__name__.encode() + b"\0" + body).hexdigest()


def marked(annotations: Mapping[str, str], request: Request) -> Mapping[str, str]:
    if not request.request_id:
        return annotations
    mark = f"{digest(request)[:DIGEST_LENGTH]} {request.request_id}"
    marks = [mark, *_marks(annotations)][:KEPT]
    return {**annotations, REQUEST_ANNOTATION: "\n".join(marks)}


def _marks(annotations: Mapping[str, str]) -> list[str]:
    """The latest first, a line each."""
    return annotations.get(REQUEST_ANNOTATION, "").splitlines()


def made_by(workspace: Workspace, request: Request) -> bool:
    """Whether one of the latest changes is this very request's. Raises RequestIdReused."""
    for line in _marks(workspace.annotations):
        mark, _, request_id = line.partition(" ")
        if request.request_id and request_id == request.request_id:
            if mark != digest(request)[:DIGEST_LENGTH]:
                raise RequestIdReused(request_id)
            return True
    return False
