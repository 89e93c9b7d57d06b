"""Image references as container runtimes parse them (the ``distribution`` reference grammar)."""

import re
from dataclasses import dataclass

_PATH_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_DOMAIN = r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)(?:\.[a-zA-Z0-9-]+)*(?::[0-9]+)?"
_REPOSITORY = re.compile(rf"(?:{_DOMAIN}/)?{_PATH_PART}(?:/{_PATH_PART})*")
_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
_DIGEST = re.compile(r"[a-z0-9]+(?:[+._-][a-z0-9]+)*:[0-9a-fA-F]{32,}")


class InvalidImageNameError(ValueError):
    """The text is no image reference; no pull can ever succeed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageReference:
    """``repository`` as it was written, with the registry where one was named."""

    repository: str
    tag: str | None = None
    digest: str | None = None

    @property
    def familiar_repository(self) -> str:
        """The repository without Docker's default registry and library."""
        return self.repository.removeprefix("docker.io/").removeprefix("library/")

    @property
    def is_latest(self) -> bool:
        return self.digest is None and self.tag in (None, "latest")


def parse_image(text: str) -> ImageReference:
    """Raises InvalidImageNameError with the reason a runtime would give."""
    name, _, digest = text.partition("@")
    repository, colon, tag = name.rpartition(":")
    if not colon or "/" in tag:
        repository, tag = name, ""
    if colon and not tag and repository != name:
        raise _invalid(text, "the tag is empty")
    if digest and not _DIGEST.fullmatch(digest):
        raise _invalid(text, "the digest is malformed")
    if tag and not _TAG.fullmatch(tag):
        raise _invalid(text, "the tag is malformed")
    if not _REPOSITORY.fullmatch(repository):
        lowercase = _REPOSITORY.fullmatch(repository.lower())
        raise _invalid(text, "repository name must be lowercase" if lowercase else "")
    return ImageReference(repository=repository, tag=tag or None, digest=digest or None)


def _invalid(text: str, reason: str) -> InvalidImageNameError:
    detail = f": {reason}" if reason else ""
    return InvalidImageNameError(
        f"couldn't parse image name {text!r}: invalid reference format{detail}"
    )
