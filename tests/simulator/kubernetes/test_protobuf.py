"""Bodies recorded from kubectl 1.37.1, against the JSON it prints with ``--dry-run=client``."""

import base64
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.kubernetes.protobuf import _VERSIONS, _tables, decode
from simulator.kubernetes.status import ApiError

RECORDED = json.loads(Path(__file__).with_name("kubectl_bodies.json").read_text())
SCALARS = {"string", "int", "bool", "bytes", "Time", "IntOrString", "Quantity", "Ignored"}


def body(*fields, kind="Namespace", version="v1"):
    def message(*parts):
        return b"".join(bytes([number << 3 | 2, len(part)]) + part for number, part in parts)

    type_meta = message((1, version.encode()), (2, kind.encode()))
    return b"k8s\0" + message((1, type_meta), (2, message(*fields)))


def namespace_of_dry_run(obj):
    """The dry run fills in the namespace, which in a request stands in the URL."""
    metadata = {k: v for k, v in obj.get("metadata", {}).items() if k != "namespace"}
    return {**obj, "metadata": metadata} if metadata else obj


def kind_or_refusal(data):
    try:
        return decode(data)["kind"]
    except ApiError as refusal:
        return refusal.code


@pytest.mark.parametrize("recorded", RECORDED, ids=[entry["command"] for entry in RECORDED])
def test_what_kubectl_sends_reads_as_the_json_it_would_print(recorded):
    decoded = decode(base64.b64decode(recorded["body"]))
    assert namespace_of_dry_run(decoded) == recorded["object"]


@pytest.mark.parametrize("entry", RECORDED[:8], ids=[e["command"] for e in RECORDED[:8]])
def test_a_body_cut_short_is_refused_or_still_an_object(entry):
    whole = base64.b64decode(entry["body"])
    for length in range(len(whole)):
        assert kind_or_refusal(whole[:length]) in {decode(whole)["kind"], 400, 415}


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_noise_never_breaks_the_decoder(noise):
    assert kind_or_refusal(body((1, noise))) in {"Namespace", 400, 415}
    assert kind_or_refusal(b"k8s\0" + noise) in {400, 415}


def test_zero_is_kept_where_it_means_something():
    no_replicas = body((2, b"\x08\x00"), kind="Deployment", version="apps/v1")
    assert decode(no_replicas)["spec"] == {"replicas": 0}


def test_a_field_without_a_number_is_refused_rather_than_lost():
    with pytest.raises(ApiError, match="field 15 of Namespace") as caught:
        decode(body((15, b"x")))
    assert caught.value.code == 415


@pytest.mark.parametrize(("kind", "version"), [("Widget", "v1"), ("Deployment", "apps/v1beta1")])
def test_an_unknown_kind_or_version_is_refused_with_the_kinds_known(kind, version):
    with pytest.raises(ApiError, match="ConfigMap") as caught:
        decode(body(kind=kind, version=version))
    assert caught.value.code == 415


def test_json_is_not_mistaken_for_protobuf():
    with pytest.raises(ApiError) as caught:
        decode(b'{"kind": "Namespace"}')
    assert caught.value.code == 400


def test_every_type_in_the_table_has_fields_or_is_a_scalar():
    tables = _tables()
    used = {field.type for fields in tables.values() for field in fields.values()}
    assert used - SCALARS <= tables.keys()
    assert _VERSIONS.keys() <= tables.keys()
