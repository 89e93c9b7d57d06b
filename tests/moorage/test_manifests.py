"""YAML to requests: what is read, what is refused, what is changed."""

from pathlib import Path

import pytest

from engine.workspace import WorkspaceRef
from moorage.examples import example
from moorage.failure import ExitCode, Failure
from moorage.manifests import change, manifest_path, read_manifests

QUICKSTART = ("inference", "inference-with-adapter", "tuning", "tuning-128k")
HEAD = "apiVersion: kaito.sh/v1beta1\nkind: Workspace\n"
VALID = example("smollm2.yaml")


def _wrong(text: str) -> tuple[str, ...]:
    with pytest.raises(Failure) as caught:
        read_manifests(text, namespace="default")
    assert caught.value.exit_code is ExitCode.INVALID
    return caught.value.details


@pytest.mark.parametrize("name", QUICKSTART)
def test_the_quickstart_is_read_completely(name):
    (manifest,) = read_manifests(example(f"{name}.yaml"), namespace="team")
    assert manifest.ref.namespace == "team"
    assert manifest.spec.resource.instance_type == "Standard_NC6s_v3"
    assert (manifest.spec.inference is None) == name.startswith("tuning")


def test_a_manifest_s_own_namespace_wins():
    text = VALID.replace("name: smollm2\n", "name: smollm2\n  namespace: own\n", 1)
    (manifest,) = read_manifests(text, namespace="other")
    assert manifest.ref == WorkspaceRef(namespace="own", name="smollm2")


def test_fallbacks_are_read_from_annotations_and_found_there_again():
    annotation = "moorage.sh/fallback-instance-types"
    text = VALID.replace(
        "metadata:\n", f"metadata:\n  annotations: {{{annotation}: 'a, b', mine: kept}}\n", 1
    )
    (manifest,) = read_manifests(text, namespace="default")
    assert list(manifest.message.resource.fallback_instance_types) == ["a", "b"]
    assert dict(manifest.message.annotations) == {"mine": "kept"}
    field = "workspace.resource.fallback_instance_types[1]"
    assert manifest_path(field) == f"metadata.annotations[{annotation}]"


def test_empty_documents_are_skipped():
    assert len(read_manifests(f"---\n{VALID}\n---\n---\n", namespace="default")) == 1


def test_v1alpha1_has_its_default_instance_type():
    text = "apiVersion: kaito.sh/v1alpha1\nkind: Workspace\nmetadata: {name: a}\nresource: {}\n"
    (manifest,) = read_manifests(text, namespace="default")
    assert manifest.spec.resource.instance_type == "Standard_NC24ads_A100_v4"


def test_misspelt_fields_and_wrong_kinds_of_values_are_told_at_once():
    text = (
        f"{HEAD}metadata: {{name: a, labels: {{version: 1}}}}\n"
        "resource: {instancetype: local-cpu, count: two, preferredNodes: node}\n"
        "inference: {adapters: [{strenght: '1'}]}\n"
    )
    assert _wrong(text) == (
        "metadata.labels.version: 1 is not a string: put it in quotes",
        "resource.instancetype: is not a known field",
        "resource.count: 'two' is not a whole number",
        "resource.preferredNodes: 'node' is not a list",
        "inference.adapters[0].strenght: is not a known field",
    )


def test_a_pod_template_is_free_in_form():
    template = "{spec: {containers: [{name: a, image: b, whatever: {c: [1, 2]}}]}}"
    text = f"{HEAD}metadata: {{name: a}}\nresource: {{}}\ninference: {{template: {template}}}\n"
    (manifest,) = read_manifests(text, namespace="default")
    assert manifest.spec.inference.template["spec"]["containers"][0]["whatever"] == {"c": [1, 2]}


def test_each_wrong_document_is_named_by_its_number():
    (line,) = _wrong(f"{VALID}\n---\n{HEAD}metadata: {{}}\nresource: {{}}\n")
    assert line == "document 2: metadata.name: is required"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("kind: Pod\napiVersion: v1\n", "v1 Pod is not a Workspace"),
        ("- a\n", "is not a mapping"),
        ("a: [", "not YAML"),
        ("", "there is no document"),
        ("a: &x 1\nb: *x\n", "aliases are refused"),
        ("a" * (1 << 20) + "b", "larger than"),
    ],
)
def test_what_is_no_workspace_is_refused_in_words(text, told):
    assert told in _wrong(text)[0]


def test_a_change_names_only_what_differs():
    (manifest,) = read_manifests(VALID, namespace="default")
    stored = manifest.message
    assert change(manifest, stored, dry_run=False) is None
    stored.inference.preset.name = "phi-4"
    stored.labels["theirs"] = "1"
    request = change(manifest, stored, dry_run=False)
    assert list(request.update_mask.paths) == ["inference"]


@pytest.mark.parametrize(
    ("field", "path"),
    [
        ("workspace_id", "metadata.name"),
        ("workspace.resource.instance_type", "resource.instanceType"),
        ("workspace.resource.match_labels", "resource.labelSelector.matchLabels"),
        ("workspace.inference.preset.image", "inference.preset.presetOptions.image"),
        ("workspace.inference.preset.name", "inference.preset.name"),
        ("workspace.tuning.output.image_push_secret", "tuning.output.imagePushSecret"),
    ],
)
def test_fields_of_requests_are_told_as_fields_of_manifests(field, path):
    assert manifest_path(field) == path


def test_the_examples_are_where_the_documents_say():
    assert {path.stem for path in Path("examples").glob("*.yaml")} >= {*QUICKSTART, "smollm2"}
