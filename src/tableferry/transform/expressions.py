"""JSONata expressions of a transform: checked once, then evaluated on each item."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from jsonata import JException, Parser

from tableferry.items import WireItem
from tableferry.transform.decimals import double_of
from tableferry.transform.engine import REFUSED, BoundedJsonata, known_names
from tableferry.transform.findings import Place, nearest, quoted
from tableferry.transform.item_view import ItemView, typed_result
from tableferry.transform.jsonata_values import ExpressionFaultError
from tableferry.transform.regular_expressions import TIMEOUT_SECONDS
from tableferry.transform.typed_values import Typed

_NUMBER_AT_THE_END = re.compile(r"(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?$")
_HIDDEN = ("_outer_instance", "prefix")


@dataclass(frozen=True, slots=True)
class Expression:
    """A checked expression; its methods raise ExpressionFaultError where an item does not fit."""

    source: str
    engine: BoundedJsonata

    def is_true(self, item: WireItem) -> bool:
        return self._answer(item) is True

    def value(self, item: WireItem) -> Typed:
        answer = self._answer(item)
        if answer is None:
            reason = "the expression gives no value (undefined) for this item"
            raise ExpressionFaultError(reason, "write ?? and the value for items without one")
        return typed_result(answer)

    def _answer(self, item: WireItem) -> Any:
        try:
            return self.engine.answer(ItemView(item))
        except ExpressionFaultError:
            raise
        except Exception as error:
            raise ExpressionFaultError(_reason(error)) from error


def _reason(error: BaseException) -> str:
    """What went wrong; jsonata-python lets Python's errors through, and hides those in `and`."""
    if isinstance(error, JException) and error.error == "Unexpected" and error.__context__:
        return _reason(error.__context__)
    if isinstance(error, JException):
        return _message(error)
    if isinstance(error, TimeoutError):
        return f"a regular expression took more than {TIMEOUT_SECONDS:.0f} s"
    if isinstance(error, RecursionError):
        return "the expression nests too deep"
    return f"{type(error).__name__}: {error}"


def read_expression(text: str, place: Place) -> Expression | None:
    """The expression between `{%` and `%}`; its syntax, names and determinism are checked."""
    source = text.removeprefix("{%").removesuffix("%}")
    if not source.strip():
        place.refuse(text, "is an empty expression", "write JSONata between {% and %}")
        return None
    try:
        engine = BoundedJsonata(source)
    except JException as error:
        remedy = "mend the expression; docs.jsonata.org describes the language"
        place.refuse(text, f"is not JSONata: {_message(error)}", remedy)
        return None
    except Exception as error:
        # The tokenizer runs over the end of unfinished texts; `regex` refuses what it can not take.
        remedy = "look for what is not closed, and at its regular expressions"
        place.refuse(text, f"is not JSONata: {type(error).__name__}: {error}", remedy)
        return None
    before = len(place.problems)
    symbols = list(_symbols(engine.ast))
    _check_names(symbols, text, place)
    _check_numbers(symbols, source, text, place)
    return Expression(source, engine) if len(place.problems) == before else None


def _message(error: JException) -> str:
    """The library's text; characters are counted from the `{%`, up to the end of what is meant."""
    text = str(error).replace("Object ", "function ")
    at = f" at character {error.location + len('{%')}" if error.location > 0 else ""
    code = f" ({error.error})" if re.fullmatch(r"[DST]\d{4}", str(error.error)) else ""
    return text + at + code


def _check_names(symbols: list[Any], text: str, place: Place) -> None:
    own = set(_own_names(symbols))
    known = known_names()
    used = {str(s.value) for s in symbols if s.type == "variable" and s.value not in ("", "$")}
    for name in sorted(used - own - known):
        if name in REFUSED:
            rule = f"${name} {REFUSED[name]}; retries and verification need the same answer"
            remedy = "derive the value from the item, or write it as a constant"
        else:
            guess = nearest(name, known)
            rule = f"{quoted('$' + name)} is neither a function nor assigned in the expression"
            remedy = f"did you mean ${guess}?" if guess else "name attributes without $"
        place.refuse(text, rule, remedy)


def _own_names(symbols: list[Any]) -> Iterator[str]:
    for symbol in symbols:
        if symbol.type == "bind":
            yield str(symbol.lhs.value)
        elif symbol.type == "lambda":
            yield from (str(argument.value) for argument in symbol.arguments)
        elif symbol.type == "index":
            yield str(symbol.value)
        for name in (symbol.focus, symbol.index):
            if isinstance(name, str):
                yield name


def _check_numbers(symbols: list[Any], source: str, text: str, place: Place) -> None:
    for symbol in symbols:
        if symbol.type != "number":
            continue
        written = _NUMBER_AT_THE_END.search(source, 0, symbol.position)
        if written is None:
            continue
        try:
            double_of(written.group())
        except (ValueError, ArithmeticError):
            rule = f"the number {written.group()[:60]} would be changed by a double, as JSONata has"
            remedy = 'use a number of up to 15 digits, or a constant {"typed": {"N": "…"}}'
            place.refuse(text, rule, remedy)


def _symbols(ast: Any) -> Iterator[Any]:
    """Every node of the syntax tree, once."""
    seen: set[int] = set()
    pending: list[Any] = [ast]
    while pending:
        node = pending.pop()
        if isinstance(node, list | tuple):
            pending.extend(node)
        elif isinstance(node, Parser.Symbol) and id(node) not in seen:
            seen.add(id(node))
            yield node
            pending.extend(v for k, v in vars(node).items() if k not in _HIDDEN)
