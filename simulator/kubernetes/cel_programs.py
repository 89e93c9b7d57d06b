"""CEL expressions, compiled once and evaluated within bounds.

The engine itself bounds an evaluation: 10,000 iterations and 32 levels of nesting
(``Iteration budget exceeded``). Expression length is bounded here.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from cel_expr_python.cel import Activation, Env, Expression, NewEnv, Type
from cel_expr_python.ext.ext_encoders import ExtEncoders
from cel_expr_python.ext.ext_math import ExtMath
from cel_expr_python.ext.ext_optional import ExtOptional
from cel_expr_python.ext.ext_strings import ExtStrings

from simulator.kubernetes.cel_functions import kubernetes_functions

MAX_EXPRESSION_LENGTH = 16_384
# Field names that are no CEL identifiers are escaped in rules (Kubernetes docs, "Escaping").
_ESCAPED = re.compile(r"(?<=\.)(\??)([A-Za-z_]\w*__(?:dot|dash|slash|underscores)__\w*|__[a-z]+__)")
_SYMBOLS = {"__dot__": ".", "__dash__": "-", "__slash__": "/", "__underscores__": "__"}
_STRING_LITERAL = re.compile(r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*\"""")


class CelError(Exception):
    """An expression that does not compile, or whose evaluation failed; the text says why."""


class Program:
    """A compiled expression."""

    def __init__(self, expression: Expression, returns: Type) -> None:
        self._expression = expression
        self._returns = returns

    def evaluate(self, bound: Activation) -> Any:
        """Raises ``CelError`` where evaluation fails or gives another type than was asked for."""
        try:
            result = self._expression.eval(bound)
        except RuntimeError as failure:
            raise CelError(_reason(str(failure))) from failure
        try:
            value = result.plain_value()
        except TypeError as failure:
            raise CelError(f"gives a {result.type().name()}, which is no JSON value") from failure
        if isinstance(value, bool) and self._returns == Type.BOOL:
            return value
        kind = result.type()
        if kind == Type.ERROR:
            raise CelError(_reason(str(value)))
        if self._returns not in (Type.DYN, kind):
            raise CelError(f"must evaluate to {self._returns.name()}, not {kind.name()}")
        return value


@lru_cache(maxsize=64)
def _environment(variables: tuple[str, ...]) -> Env:
    return NewEnv(
        variables=dict.fromkeys(variables, Type.DYN),
        extensions=[ExtStrings(), ExtMath(), ExtOptional(), ExtEncoders()],
        functions=kubernetes_functions(),
    )


def bind(variables: Mapping[str, Any]) -> Activation:
    """Variables for any number of programs that were compiled for them, in the same order."""
    return _environment(tuple(variables)).Activation(data=variables)


@lru_cache(maxsize=4096)
def compiled(expression: str, variables: tuple[str, ...], returns: str = "bool") -> Program:
    """``returns`` is a CEL type name: bool, string or dyn. Raises ``CelError``."""
    if len(expression) > MAX_EXPRESSION_LENGTH:
        raise CelError(f"longer than {MAX_EXPRESSION_LENGTH} characters")
    wanted = {"bool": Type.BOOL, "string": Type.STRING, "dyn": Type.DYN}[returns]
    try:
        program = _environment(variables).compile(_unescaped(expression))
    except RuntimeError as failure:
        raise CelError(f"compilation failed: {_reason(str(failure))}") from failure
    static = program.return_type()
    if Type.DYN not in (wanted, static) and static != wanted:
        raise CelError(f"must evaluate to {returns}")
    return Program(program, wanted)


def mentions(expression: str, variable: str) -> bool:
    return bool(re.search(rf"\b{re.escape(variable)}\b", _STRING_LITERAL.sub("", expression)))


def _unescaped(expression: str) -> str:
    """Escaped field names in backquotes, as CEL itself writes such names."""
    return _ESCAPED.sub(lambda match: f"{match[1]}`{_field_name(match[2])}`", expression)


def _field_name(escaped: str) -> str:
    if escaped.startswith("__") and escaped not in _SYMBOLS:
        return escaped.strip("_")
    return re.sub("|".join(_SYMBOLS), lambda match: _SYMBOLS[match[0]], escaped)


def _reason(text: str) -> str:
    """The engine's message without its status code; Kubernetes' words for the commonest."""
    reason = re.sub(r"^[A-Z_]+: | \[[A-Z_]+\]$", "", text)
    return re.sub(r'^Key not found in map : "(.*)"$', r"no such key: \1", reason)
