"""The parts of documents that are made from code, between markers that name them."""


def with_section(document: str, name: str, made: str) -> str:
    """``document`` with ``made`` in the section of that name.

    Raises ValueError where the markers are missing.
    """
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, begun, rest = document.partition(begin)
    _, ended, after = rest.partition(end)
    if not begun or not ended:
        raise ValueError(f"no {begin} … {end} in the document")
    return f"{before}{begin}\n{made}\n{end}{after}"
