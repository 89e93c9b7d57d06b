"""The example manifests: beside the packages in a checkout, inside this one in a wheel."""

from pathlib import Path

_FOLDERS = (Path(__file__).parent / "examples", Path(__file__).parents[1] / "examples")


def example(name: str) -> str:
    """The text of an example. Raises FileNotFoundError."""
    for folder in _FOLDERS:
        if (folder / name).exists():
            return (folder / name).read_text(encoding="utf-8")
    raise FileNotFoundError(f"the example {name} is in none of {', '.join(map(str, _FOLDERS))}")
