"""Update masks as values; the service's tests show them at work."""

import pytest

from api import field_mask
from api.v1 import workspace_pb2 as pb


def _both() -> tuple[pb.Workspace, pb.Workspace]:
    stored = pb.Workspace(
        labels={"a": "1"},
        resource=pb.Resource(instance_type="i", count=2, preferred_nodes=["n"]),
        inference=pb.Inference(preset=pb.PresetChoice(name="p", image="old")),
    )
    return stored, pb.Workspace()


def _overlaid(source: pb.Workspace, *paths: str) -> pb.Workspace:
    stored, _ = _both()
    field_mask.overlay(stored, source, paths)
    return stored


def test_a_nested_scalar_is_replaced_alone():
    source = pb.Workspace(inference=pb.Inference(preset=pb.PresetChoice(name="q", image="new")))
    assert _overlaid(source, "inference.preset.image").inference.preset == pb.PresetChoice(
        name="p", image="new"
    )


def test_a_whole_message_replaces_what_was_there():
    source = pb.Workspace(inference=pb.Inference(preset=pb.PresetChoice(name="q")))
    assert _overlaid(source, "inference").inference.preset == pb.PresetChoice(name="q")


@pytest.mark.parametrize("path", ["inference", "inference.preset", "resource.count", "labels"])
def test_a_path_that_is_not_set_is_cleared(path: str):
    overlaid = _overlaid(pb.Workspace(), path)
    message = overlaid
    *parents, leaf = path.split(".")
    for parent in parents:
        message = getattr(message, parent)
    assert leaf not in {field.name for field, _ in message.ListFields()}


def test_clearing_inside_what_does_not_exist_makes_nothing():
    assert not _overlaid(pb.Workspace(), "tuning.preset.name").HasField("tuning")


def test_lists_and_maps_are_replaced_as_a_whole():
    source = pb.Workspace(labels={"b": "2"}, resource=pb.Resource(preferred_nodes=["m", "o"]))
    overlaid = _overlaid(source, "labels", "resource.preferred_nodes")
    assert overlaid.labels == {"b": "2"}
    assert overlaid.resource.preferred_nodes == ["m", "o"]
    assert overlaid.resource.instance_type == "i"


def test_no_mask_stands_for_what_is_set_and_can_be_updated():
    source = pb.Workspace(name="n", etag="e", uid="u", labels={"a": "b"}, state=pb.STATE_READY)
    source.inference.template.update({"spec": {}})
    source.resource.count = 3
    assert field_mask.effective((), source) == ("labels", "resource.count", "inference.template")


def test_a_star_stands_for_all_that_can_be_updated():
    assert field_mask.effective(("labels", "*"), pb.Workspace()) == field_mask.MUTABLE


def test_every_path_below_what_can_be_updated_is_accepted():
    paths = ["resource.count", "inference.preset.access_mode", "tuning.input.volume", "*"]
    assert field_mask.violations(paths) == ()
