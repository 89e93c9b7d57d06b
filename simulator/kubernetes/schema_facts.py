"""What is asked of a schema again and again, found once per schema.

Schemas are dicts, which don't hash; but they are never changed in place (an updated CRD is a new
object), so identity will do. The cache holds its schemas, so no identity is ever reused.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache

from simulator.kubernetes.status import Object

NodeIds = frozenset[int]
_CACHED_SCHEMAS = 1024


class _Same:
    """A schema that equals only itself."""

    __slots__ = ("schema",)

    def __init__(self, schema: Object) -> None:
        self.schema = schema

    def __hash__(self) -> int:
        return id(self.schema)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.schema is self.schema


def nodes_leading_to(fact: Callable[[Object], bool]) -> Callable[[Object], NodeIds]:
    """Finds, within a schema, the ``id`` of each node where ``fact`` holds or further down."""

    def found(schema: Object) -> NodeIds:
        below = frozenset[int]().union(*map(found, children(schema)))
        return below | {id(schema)} if below or fact(schema) else below

    @lru_cache(maxsize=_CACHED_SCHEMAS)
    def remembered(same: _Same) -> NodeIds:
        return found(same.schema)

    return lambda schema: remembered(_Same(schema))


def children(schema: Object) -> Iterator[Object]:
    """The schemas of fields, map values and list items."""
    candidates = [
        *schema.get("properties", {}).values(),
        schema.get("additionalProperties"),
        schema.get("items"),
    ]
    return (child for child in candidates if isinstance(child, dict))
