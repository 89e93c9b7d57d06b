"""What is sent is what the documentation says."""

from moorage.made_section import with_section
from tests.adapters.aks.wire import DOCUMENT, SECTION, tables


async def test_the_documented_requests_are_those_that_are_sent():
    document = DOCUMENT.read_text(encoding="utf-8")
    assert document == with_section(document, SECTION, await tables()), (
        "run `python -m tests.adapters.aks.wire`, if it was meant"
    )
