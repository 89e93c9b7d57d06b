"""The catalogue's RPCs, through gRPC."""

import grpc
import pytest
from google.rpc import error_details_pb2

from api.v1 import catalog_service_pb2 as catalog
from engine.instance_types import INSTANCE_TYPES
from engine.presets import PRESETS
from tests.api.requests import failure


@pytest.fixture
def stub(served):
    return served.catalog


async def test_pages_together_are_all_presets_by_name(stub):
    names, token, pages = [], "", 0
    while pages == 0 or token:
        page = await stub.ListPresets(catalog.ListPresetsRequest(page_size=3, page_token=token))
        assert len(page.presets) <= 3
        names += [preset.name for preset in page.presets]
        token, pages = page.next_page_token, pages + 1
    assert names == [f"presets/{name}" for name in sorted(PRESETS)]
    assert pages > 1


async def test_one_page_holds_all_instance_types_by_default(stub):
    page = await stub.ListInstanceTypes(catalog.ListInstanceTypesRequest())
    assert {item.name for item in page.instance_types} == {
        f"instanceTypes/{name}" for name in INSTANCE_TYPES
    }
    assert not page.next_page_token


async def test_a_preset_and_an_instance_type_can_be_read(stub):
    request = catalog.GetPresetRequest(name="presets/smollm2-135m-instruct")
    preset = (await stub.GetPreset(request)).preset
    assert preset.model_id == "HuggingFaceTB/SmolLM2-135M-Instruct"
    assert not preset.needs_gpu
    request = catalog.GetInstanceTypeRequest(name="instanceTypes/standard_nc6s_V3")
    instance_type = (await stub.GetInstanceType(request)).instance_type
    assert instance_type.name == "instanceTypes/Standard_NC6s_v3"
    assert instance_type.retirement_date == "2025-09-30"


async def test_what_the_catalogue_lacks_is_not_found(stub):
    for call, kind in (
        (stub.GetPreset(catalog.GetPresetRequest(name="presets/nothing")), "Preset"),
        (
            stub.GetInstanceType(catalog.GetInstanceTypeRequest(name="instanceTypes/nothing")),
            "InstanceType",
        ),
    ):
        failed = await failure(call)
        assert failed.code is grpc.StatusCode.NOT_FOUND
        resource = failed.details[error_details_pb2.ResourceInfo]
        assert resource.resource_type == f"moorage.v1.{kind}"
        assert resource.resource_name.endswith("/nothing")


@pytest.mark.parametrize("name", ["", "presets/", "phi-4", "instanceTypes/phi-4"])
async def test_a_malformed_preset_name_is_an_invalid_argument(stub, name):
    failed = await failure(stub.GetPreset(catalog.GetPresetRequest(name=name)))
    assert (failed.code, failed.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["name"])


async def test_a_page_token_of_presets_is_no_token_of_instance_types(stub):
    page = await stub.ListPresets(catalog.ListPresetsRequest(page_size=1))
    request = catalog.ListInstanceTypesRequest(page_size=-1, page_token=page.next_page_token)
    failed = await failure(stub.ListInstanceTypes(request))
    assert failed.fields == ["page_size", "page_token"]
