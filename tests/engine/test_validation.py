"""Every rule refuses what it should, by field, all at once; and the quickstart passes."""

from dataclasses import replace

import pytest

from engine.validation import validate_new, validate_update, warnings
from engine.workspace import (
    Adapter,
    DataDestination,
    DataSource,
    Inference,
    PresetChoice,
    Tuning,
    WorkspaceRef,
    WorkspaceSpec,
)
from tests.engine.scenes import PHI_3, SMALL

REF = WorkspaceRef(namespace="default", name="demo")
PLACEHOLDER = "ACR_REPO_HERE.azurecr.io/IMAGE_NAME_HERE:0.0.1"
TUNING = Tuning(
    preset=PresetChoice(name="phi-3-mini-4k-instruct"),
    method="qlora",
    input=DataSource(urls=("https://example.org/train.parquet",)),
    output=DataDestination(image=PLACEHOLDER, image_push_secret="ACR_REGISTRY_SECRET_HERE"),
)


def adapter(name="polite", image="example.org/polite:1", strength="1.0") -> Adapter:
    return Adapter(source=DataSource(name=name, image=image), strength=strength)


def with_adapters(*adapters: Adapter) -> WorkspaceSpec:
    return replace(SMALL, inference=replace(SMALL.inference, adapters=adapters))


def fields(spec: WorkspaceSpec, ref: WorkspaceRef = REF) -> set[str]:
    return {violation.field for violation in validate_new(ref, spec)}


@pytest.mark.parametrize(
    "spec",
    [SMALL, PHI_3, with_adapters(adapter()), WorkspaceSpec(resource=PHI_3.resource, tuning=TUNING)],
)
def test_what_users_apply_is_accepted(spec):
    assert validate_new(REF, spec) == ()


@pytest.mark.parametrize("name", ["", "Demo", "a.b", "-a", "a" * 64, "a_b"])
def test_a_name_must_be_a_dns_label(name):
    assert fields(SMALL, WorkspaceRef(namespace="default", name=name)) == {"metadata.name"}


def test_one_purpose_is_needed_and_only_one():
    assert fields(WorkspaceSpec(resource=SMALL.resource)) == {"inference"}
    assert fields(replace(SMALL, tuning=TUNING)) == {"tuning"}


def test_every_violation_is_told_at_once():
    wrong = replace(
        with_adapters(adapter(strength="strong"), adapter(strength="2")),
        resource=replace(SMALL.resource, instance_type="Standard_Nothing"),
    )
    wrong = replace(
        wrong, inference=replace(wrong.inference, preset=PresetChoice(name="unknown-model"))
    )
    assert fields(wrong, WorkspaceRef(namespace="default", name="Bad_Name")) == {
        "metadata.name",
        "resource.instanceType",
        "inference.preset.name",
        "inference.adapters[0].strength",
        "inference.adapters[1].strength",
        "inference.adapters[1].source.name",
    }


@pytest.mark.parametrize("strength", ["", "strong", "-0.1", "1.01", "nan", "inf"])
def test_a_strength_must_lie_between_none_and_full(strength):
    assert fields(with_adapters(adapter(strength=strength))) == {"inference.adapters[0].strength"}


@pytest.mark.parametrize("strength", ["0", "1", "0.5", ".25", "1.0"])
def test_a_strength_from_none_to_full_is_accepted(strength):
    assert fields(with_adapters(adapter(strength=strength))) == set()


@pytest.mark.parametrize(
    "source",
    [
        DataSource(name="a"),
        DataSource(name="a", image="example.org/a:1", volume={"emptyDir": {}}),
    ],
)
def test_an_adapter_has_one_source(source):
    assert fields(with_adapters(Adapter(source=source))) == {"inference.adapters[0].source"}


@pytest.mark.parametrize("instance_type", ["standard_nc24ads_a100_v4", "LOCAL-CPU"])
def test_instance_types_are_known_in_any_case(instance_type):
    spec = replace(SMALL, resource=replace(SMALL.resource, instance_type=instance_type))
    assert fields(spec) == set()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"method": "full"}, "tuning.method"),
        ({"preset": None}, "tuning.preset"),
        ({"input": None}, "tuning.input"),
        ({"input": DataSource()}, "tuning.input"),
        ({"output": None}, "tuning.output"),
        ({"output": DataDestination(image="example.org/a")}, "tuning.output.imagePushSecret"),
    ],
)
def test_tuning_needs_all_its_parts(change, field):
    spec = WorkspaceSpec(resource=PHI_3.resource, tuning=replace(TUNING, **change))
    assert fields(spec) == {field}


def test_tuning_methods_are_known_in_any_case():
    spec = WorkspaceSpec(resource=PHI_3.resource, tuning=replace(TUNING, method="QLoRA"))
    assert fields(spec) == set()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"resource": replace(SMALL.resource, count=2)}, "resource.count"),
        ({"resource": replace(SMALL.resource, match_labels={"a": "b"})}, "resource.labelSelector"),
        ({"inference": Inference(preset=PresetChoice(name="phi-4"))}, "inference.preset"),
    ],
)
def test_what_shapes_the_nodes_cannot_be_changed(change, field):
    found = {violation.field for violation in validate_update(SMALL, replace(SMALL, **change))}
    assert found == {field}


def test_an_old_fault_does_not_hinder_another_change():
    old = replace(SMALL, resource=replace(SMALL.resource, instance_type="Standard_Gone"))
    new = replace(old, inference=replace(old.inference, adapters=(adapter(),)))
    assert validate_update(old, new) == ()


def test_a_retired_machine_is_accepted_with_a_warning():
    assert any("retired by Azure on 2025-09-30" in text for text in warnings(PHI_3))
    assert warnings(SMALL) == ()


def test_placeholders_are_accepted_with_warnings():
    told = warnings(WorkspaceSpec(resource=SMALL.resource, tuning=TUNING))
    assert any(PLACEHOLDER in text for text in told)
    assert any("ACR_REGISTRY_SECRET_HERE" in text for text in told)
    assert any("not served yet" in text for text in told)


@pytest.mark.parametrize(
    ("image", "well_formed"),
    [
        ("example.org/a/b:1.0", True),
        ("localhost:5000/a@sha256:" + "0" * 64, True),
        ("busybox", True),
        ("EXAMPLE.org/a", True),
        ("example.org/UPPER:1", False),
        ("a b", False),
    ],
)
def test_image_references_follow_the_distribution_grammar(image, well_formed):
    assert (warnings(with_adapters(adapter(image=image))) == ()) is well_formed
