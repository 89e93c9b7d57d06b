import copy

import jsonpatch
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.kubernetes.patch import json_patch, merge_patch
from simulator.kubernetes.status import ApiError

# The object cases of RFC 7396, appendix A.
RFC_7396 = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]


@pytest.mark.parametrize(("doc", "patch", "result"), RFC_7396)
def test_merge_patches_of_the_rfc(doc, patch, result):
    assert merge_patch(doc, patch) == result


values = st.recursive(
    st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1), st.text(max_size=2)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
    ),
    max_leaves=10,
)
objects = st.dictionaries(st.sampled_from("abc"), values, max_size=3)


@settings(deadline=None)
@given(objects, objects)
def test_merge_patches_repeat_without_effect_and_leave_their_inputs_alone(doc, patch):
    before = copy.deepcopy((doc, patch))
    once = merge_patch(doc, patch)
    assert merge_patch(once, patch) == once
    scribble(once)
    assert (doc, patch) == before


def scribble(value):
    """Changes everything within that can be changed."""
    for part in value.values() if isinstance(value, dict) else value:
        if isinstance(part, dict | list):
            scribble(part)
    value.clear()


@settings(deadline=None)
@given(objects, objects)
def test_a_json_patch_leads_from_one_object_to_the_other(doc, goal):
    before = copy.deepcopy(doc)
    operations = jsonpatch.make_patch(doc, goal).patch
    result = json_patch(doc, operations)
    assert result == goal
    scribble(result)
    assert doc == before


def test_a_json_patch_does_not_share_its_values_with_the_result():
    operations = [{"op": "add", "path": "/a", "value": {"b": []}}]
    result = json_patch({}, operations)
    result["a"]["b"].append(1)
    assert operations[0]["value"] == {"b": []}


@pytest.mark.parametrize(
    ("operations", "code"),
    [
        ([{"op": "test", "path": "/a", "value": 2}], 422),
        ([{"op": "remove", "path": "/nothing"}], 422),
        ([{"op": "replace", "path": "/nothing/here", "value": 1}], 422),
        ([{"op": "add", "path": "/list/7", "value": 1}], 422),
        ([{"op": "add", "path": "no-slash", "value": 1}], 422),
        ([{"op": "dance", "path": "/a"}], 400),
        ([{"path": "/a"}], 400),
        ([{"op": "replace", "path": "", "value": 1}], 400),
        (["not an operation"], 400),
        ({"op": "add"}, 400),
    ],
)
def test_a_json_patch_that_does_not_apply_is_refused(operations, code):
    with pytest.raises(ApiError) as caught:
        json_patch({"a": 1, "list": []}, operations)
    assert caught.value.code == code


def test_a_failed_test_tells_both_values():
    with pytest.raises(ApiError, match="does not apply: 1 is not equal to tested value 9"):
        json_patch({"a": 1}, [{"op": "test", "path": "/a", "value": 9}])


def test_a_json_patch_may_copy_but_not_without_measure():
    doc = {"a": {"text": "x" * 1000}}
    copied = [{"op": "copy", "from": "/a", "path": "/b"}]
    assert json_patch(doc, copied)["b"] == doc["a"]
    doubling = [{"op": "copy", "from": "", "path": f"/a/{n}"} for n in range(40)]
    with pytest.raises(ApiError) as caught:
        json_patch(doc, doubling)
    assert caught.value.code == 413


def test_a_json_patch_has_at_most_ten_thousand_operations():
    with pytest.raises(ApiError) as caught:
        json_patch({}, [{"op": "add", "path": "/a", "value": 1}] * 10_001)
    assert caught.value.code == 413


def test_a_merge_patch_must_be_an_object():
    with pytest.raises(ApiError) as caught:
        merge_patch({"a": 1}, [])
    assert caught.value.code == 400
