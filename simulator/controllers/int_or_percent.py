"""Kubernetes' IntOrString where it stands for a number of pods or a share of them."""


def rounded_up(value: int | str, whole: int) -> int:
    """Raises ValueError for anything but a number and a percentage."""
    return value if isinstance(value, int) else -(-_percent(value) * whole // 100)


def rounded_down(value: int | str, whole: int) -> int:
    return value if isinstance(value, int) else _percent(value) * whole // 100


def _percent(text: str) -> int:
    number, sign, rest = text.partition("%")
    if not sign or rest:
        raise ValueError(f"{text!r} is neither a number nor a percentage such as 25%")
    return int(number)
