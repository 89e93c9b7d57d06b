"""What is made from the code and checked in is what the code makes now."""

import pytest

from moorage.generated import GENERATED, ROOT


@pytest.mark.parametrize("path", GENERATED)
def test_a_generated_file_is_current(path):
    assert (ROOT / path).read_text(encoding="utf-8") == GENERATED[path](), "run `make generated`"
