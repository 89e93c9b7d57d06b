import pytest

from simulator.kubernetes.schema_check import violations

STRING = {"type": "string"}


def faults(**property_):
    schema = {"type": "object", "properties": {"a": property_}}
    return [(cause.field, cause.message) for cause in violations(schema, "schema")]


@pytest.mark.parametrize(
    ("node", "field", "text"),
    [
        ({}, "type", "must not be empty for specified object fields"),
        ({"type": "array"}, "items", "must be specified"),
        ({"type": "array", "items": STRING, "uniqueItems": True}, "uniqueItems", "quadratic"),
        (
            {"type": "object", "properties": {"b": STRING}, "additionalProperties": STRING},
            "additionalProperties",
            "exclude each other",
        ),
        ({**STRING, "pattern": "("}, "pattern", "does not compile"),
        ({**STRING, "default": 1}, "default", "must be of type string"),
        (
            {**STRING, "x-kubernetes-validations": [{"rule": "self >"}]},
            "x-kubernetes-validations[0].rule",
            "Syntax error",
        ),
        (
            {**STRING, "x-kubernetes-validations": [{"rule": "true"}] * 101},
            "x-kubernetes-validations",
            "more than 100 rules",
        ),
    ],
)
def test_an_unsound_part_is_named_with_its_place_in_the_schema(node, field, text):
    ((found_field, message),) = faults(**node)
    assert found_field == f"schema.properties[a].{field}"
    assert text in message


def list_map(keys, **item):
    return {
        "type": "array",
        "items": {"type": "object", "properties": {"name": STRING}, **item},
        "x-kubernetes-list-type": "map",
        **({"x-kubernetes-list-map-keys": keys} if keys else {}),
    }


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        ([], "must not be empty"),
        (["nmae"], "must all be names of item properties"),
        (["name"], "must have a default or be a required property"),
    ],
)
def test_list_maps_need_keys_that_are_always_there(keys, text):
    ((_, message),) = faults(**list_map(keys))
    assert text in message


@pytest.mark.parametrize(
    "node",
    [
        STRING,
        {"x-kubernetes-int-or-string": True},
        {"x-kubernetes-preserve-unknown-fields": True},
        list_map(["name"], required=["name"]),
        {"type": "object", "additionalProperties": {"type": "integer", "default": 1}},
        {**STRING, "x-kubernetes-validations": [{"rule": "self == oldSelf"}]},
    ],
)
def test_sound_schemas_pass(node):
    assert faults(**node) == []


def test_the_root_is_an_object():
    assert violations({"type": "string"}, "schema")[0].field == "schema.type"


def test_a_schema_beyond_all_measure_is_refused_unread():
    huge = {"type": "object", "properties": {str(n): {} for n in range(20_000)}}
    assert [cause.reason for cause in violations(huge, "schema")] == ["FieldValueForbidden"]
