import pytest

from simulator.kubelet.image_reference import (
    ImageReference,
    InvalidImageNameError,
    parse_image,
)

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "repository", "tag", "digest"),
    [
        ("curl", "curl", None, None),
        ("curlimages/curl:8.11.0", "curlimages/curl", "8.11.0", None),
        ("localhost:5000/a/b", "localhost:5000/a/b", None, None),
        ("localhost:5000/a:v1", "localhost:5000/a", "v1", None),
        (
            "Registry.Example.com/team/model:latest",
            "Registry.Example.com/team/model",
            "latest",
            None,
        ),
        (f"ghcr.io/moorage/triton@{DIGEST}", "ghcr.io/moorage/triton", None, DIGEST),
        (f"ghcr.io/moorage/triton:24.10@{DIGEST}", "ghcr.io/moorage/triton", "24.10", DIGEST),
    ],
)
def test_parts(text, repository, tag, digest):
    assert parse_image(text) == ImageReference(repository=repository, tag=tag, digest=digest)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a b",
        "UPPER",
        "repo/UPPER",
        "a:",
        "a:b/c:",
        "a@sha256:short",
        "-a",
        "a//b",
        "a:b:c",
        "a/",
    ],
)
def test_malformed(text):
    with pytest.raises(InvalidImageNameError, match="invalid reference format"):
        parse_image(text)


def test_upper_case_is_named_as_the_reason():
    with pytest.raises(InvalidImageNameError, match="repository name must be lowercase"):
        parse_image("ACR_REPO_HERE.azurecr.io/IMAGE_NAME_HERE:0.0.1")


@pytest.mark.parametrize(
    ("text", "familiar"),
    [
        ("docker.io/curlimages/curl", "curlimages/curl"),
        ("docker.io/library/nginx:1", "nginx"),
        ("ghcr.io/moorage/triton", "ghcr.io/moorage/triton"),
    ],
)
def test_familiar_repository(text, familiar):
    assert parse_image(text).familiar_repository == familiar
