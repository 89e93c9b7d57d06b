"""Requests for many: what is selected, and which part of it.

The functions raise InvalidRequest, with everything wrong at once.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from api.label_selector import is_valid
from api.names import ANY_NAMESPACE, parse_namespace_name
from api.opaque_token import unseal
from api.v1 import workspace_service_pb2 as service
from api.validation import parent_violations, require_none
from engine.errors import Violation

DEFAULT_PAGE_SIZE = 50
MAX_PAGE_SIZE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which workspaces a list or a watch is about; ``namespace`` "" means all."""

    namespace: str
    labels: str

    @property
    def page_binding(self) -> tuple[str, ...]:
        return ("ListWorkspaces", self.namespace, self.labels)

    @property
    def cursor_binding(self) -> tuple[str, ...]:
        return ("WatchWorkspaces", self.namespace, self.labels)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """``token`` is the store's, "" for the first page."""

    selection: Selection
    page_size: int
    token: str


def listing(request: service.ListWorkspacesRequest) -> Listing:
    selection = _selection(request.parent, request.label_selector)
    token = unseal(request.page_token, bound_to=selection.page_binding)
    require_none(
        [
            *_selectable(request.parent, request.label_selector),
            *_page(request.page_size, request.page_token, token),
        ]
    )
    return Listing(selection=selection, page_size=_effective(request.page_size), token=token or "")


def watching(request: service.WatchWorkspacesRequest) -> tuple[Selection, str]:
    """What to watch, and the revision to begin after ("" for a snapshot)."""
    selection = _selection(request.parent, request.label_selector)
    revision = unseal(request.cursor, bound_to=selection.cursor_binding)
    wrong = [*_selectable(request.parent, request.label_selector)]
    if request.cursor and not revision:
        description = "is damaged, or of a watch with another parent or label selector"
        wrong.append(Violation(field="cursor", description=description))
    require_none(wrong)
    return selection, revision or ""


def catalogue_page(page_size: int, page_token: str, *, bound_to: str) -> tuple[int, str]:
    """How many items, and the name of the item to begin after ("" for the first page)."""
    after = unseal(page_token, bound_to=(bound_to,))
    require_none(_page(page_size, page_token, after))
    return _effective(page_size), after or ""


def _effective(page_size: int) -> int:
    return min(page_size or DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)


def _selection(parent: str, labels: str) -> Selection:
    namespace = parse_namespace_name(parent) or ""
    return Selection(namespace="" if namespace == ANY_NAMESPACE else namespace, labels=labels)


def _selectable(parent: str, label_selector: str) -> Iterator[Violation]:
    if parse_namespace_name(parent) != ANY_NAMESPACE:
        yield from parent_violations(parent)
    if not is_valid(label_selector):
        description = f"{label_selector!r} is not a Kubernetes label selector"
        yield Violation(field="label_selector", description=description)


def _page(page_size: int, token: str, payload: str | None) -> Iterator[Violation]:
    if page_size < 0:
        yield Violation(field="page_size", description=f"{page_size} is negative")
    if token and not payload:
        description = "is damaged, or of a list with other parameters"
        yield Violation(field="page_token", description=description)
