"""CatalogService: presets and instance types, read from the engine's data."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from api.convert.messages import instance_type_message, preset_message
from api.errors import InvalidRequest, UnknownItem
from api.listing import catalogue_page
from api.names import INSTANCE_TYPES_PREFIX, PRESETS_PREFIX
from api.opaque_token import seal
from api.v1 import catalog_service_pb2 as pb
from engine.errors import Violation
from engine.instance_types import INSTANCE_TYPES, find_instance_type
from engine.presets import PRESETS, find_preset

Item = TypeVar("Item")


class CatalogService:
    async def list_presets(self, request: pb.ListPresetsRequest) -> pb.ListPresetsResponse:
        presets, rest = _page(PRESETS, request.page_size, request.page_token, PRESETS_PREFIX)
        return pb.ListPresetsResponse(
            presets=[preset_message(preset) for preset in presets], next_page_token=rest
        )

    async def get_preset(self, request: pb.GetPresetRequest) -> pb.GetPresetResponse:
        preset = find_preset(_plain(request.name, PRESETS_PREFIX))
        if preset is None:
            raise UnknownItem(request.name)
        return pb.GetPresetResponse(preset=preset_message(preset))

    async def list_instance_types(
        self, request: pb.ListInstanceTypesRequest
    ) -> pb.ListInstanceTypesResponse:
        instance_types, rest = _page(
            INSTANCE_TYPES, request.page_size, request.page_token, INSTANCE_TYPES_PREFIX
        )
        return pb.ListInstanceTypesResponse(
            instance_types=[instance_type_message(item) for item in instance_types],
            next_page_token=rest,
        )

    async def get_instance_type(
        self, request: pb.GetInstanceTypeRequest
    ) -> pb.GetInstanceTypeResponse:
        instance_type = find_instance_type(_plain(request.name, INSTANCE_TYPES_PREFIX))
        if instance_type is None:
            raise UnknownItem(request.name)
        return pb.GetInstanceTypeResponse(instance_type=instance_type_message(instance_type))


def _plain(name: str, prefix: str) -> str:
    if not name.startswith(prefix) or name == prefix:
        description = f"{name!r} is not {prefix}{{name}}"
        raise InvalidRequest([Violation(field="name", description=description)])
    return name.removeprefix(prefix)


def _page(
    items: Mapping[str, Item], page_size: int, page_token: str, prefix: str
) -> tuple[Sequence[Item], str]:
    """Items by name, from the one after the token's."""
    size, after = catalogue_page(page_size, page_token, bound_to=prefix)
    names = [name for name in sorted(items) if name > after]
    page, rest = names[:size], names[size:]
    token = seal(page[-1], bound_to=(prefix,)) if rest else ""
    return [items[name] for name in page], token
