"""Protobuf messages to engine values."""

from typing import Any

from google.protobuf.struct_pb2 import Struct, Value

from api.v1 import workspace_pb2 as pb
from engine.capacity_type import CapacityType
from engine.workspace import (
    AccessMode,
    Adapter,
    DataDestination,
    DataSource,
    Inference,
    PresetChoice,
    Resource,
    Tuning,
    WorkspaceSpec,
)


def workspace_spec(message: pb.Workspace) -> WorkspaceSpec:
    return WorkspaceSpec(
        resource=_resource(message.resource),
        inference=_inference(message.inference) if message.HasField("inference") else None,
        tuning=_tuning(message.tuning) if message.HasField("tuning") else None,
    )


CAPACITY_TYPES = {
    pb.CAPACITY_TYPE_ON_DEMAND: CapacityType.ON_DEMAND.value,
    pb.CAPACITY_TYPE_SPOT: CapacityType.SPOT.value,
}


def _resource(message: pb.Resource) -> Resource:
    return Resource(
        instance_type=message.instance_type,
        count=message.count if message.HasField("count") else 1,
        match_labels=dict(message.match_labels),
        preferred_nodes=tuple(message.preferred_nodes),
        fallback_instance_types=tuple(message.fallback_instance_types),
        capacity_types=tuple(
            CAPACITY_TYPES[item] for item in message.capacity_types if item in CAPACITY_TYPES
        ),
    )


def _inference(message: pb.Inference) -> Inference:
    return Inference(
        preset=_preset_choice(message.preset) if message.HasField("preset") else None,
        template=json_object(message.template) if message.HasField("template") else None,
        config=message.config,
        adapters=tuple(
            Adapter(source=_source(adapter.source), strength=adapter.strength or "1.0")
            for adapter in message.adapters
        ),
    )


def _tuning(message: pb.Tuning) -> Tuning:
    return Tuning(
        preset=_preset_choice(message.preset) if message.HasField("preset") else None,
        method=message.method,
        config=message.config,
        input=_source(message.input) if message.HasField("input") else None,
        output=_destination(message.output) if message.HasField("output") else None,
    )


def _preset_choice(message: pb.PresetChoice) -> PresetChoice:
    private = message.access_mode == pb.PresetChoice.ACCESS_MODE_PRIVATE
    return PresetChoice(
        name=message.name,
        access_mode=AccessMode.PRIVATE if private else AccessMode.PUBLIC,
        image=message.image,
        image_pull_secrets=tuple(message.image_pull_secrets),
        model_access_secret=message.model_access_secret,
    )


def _source(message: pb.DataSource) -> DataSource:
    return DataSource(
        name=message.name,
        urls=tuple(message.urls),
        image=message.image,
        image_pull_secrets=tuple(message.image_pull_secrets),
        volume=json_object(message.volume) if message.HasField("volume") else None,
    )


def _destination(message: pb.DataDestination) -> DataDestination:
    return DataDestination(
        image=message.image,
        image_push_secret=message.image_push_secret,
        volume=json_object(message.volume) if message.HasField("volume") else None,
    )


def json_object(struct: Struct) -> dict[str, Any]:
    """A Struct has doubles only; a whole number becomes an int again, as Kubernetes needs it."""
    return {name: _json_value(value) for name, value in struct.fields.items()}


def _json_value(value: Value) -> Any:
    match value.WhichOneof("kind"):
        case "struct_value":
            return json_object(value.struct_value)
        case "list_value":
            return [_json_value(item) for item in value.list_value.values]
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() else number
        case "string_value":
            return value.string_value
        case "bool_value":
            return value.bool_value
        case _:
            return None
