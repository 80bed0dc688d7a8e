"""jsonata-python 0.7.1, made bounded and exact: the one place that knows its internals.

What the library leaves open and this subclass closes:
- its own time limit counts from the parsing of the expression, and skips the members of an array;
  here steps, depth and size are counted, with the same answer on a slow machine and after a freeze;
- a name assigned outside of parentheses would stay for the next item: each has a frame of its own;
- the current expression is per thread, and may be another one: it is set before each evaluation;
- `&` rounds whole numbers to 15 digits, and `%` gives whole numbers only.
"""

import math
import threading
import time
from typing import Any

from jsonata import JException, Jsonata, Parser, Utils

from tableferry.transform.expression_functions import PROVIDED, ExpressionFunctions
from tableferry.transform.jsonata_values import MAX_LENGTH, ExpressionFaultError
from tableferry.transform.regular_expressions import compile_bounded

# AWS Step Functions gives an expression a second [SFN:transforming-data]; these take about as long.
MAX_STEPS = 250_000
# A function that calls itself nests four times a call, unless by a tail call; each takes 2 KB of a
# thread's stack, and threads have 8 MB, at worst 1 MB.
MAX_DEPTH = 400
_CPU_SECONDS = 5.0
_CLOCK_EVERY_STEPS = 1_024

# What a verification or a retry would not see again, and why.
REFUSED: dict[str, str] = {
    "now": "gives another time whenever it is evaluated",
    "millis": "gives another time whenever it is evaluated",
    "random": "gives another number whenever it is evaluated",
    "shuffle": "gives another order whenever it is evaluated",
    "uuid": "gives another id whenever it is evaluated",
    "eval": "hides from the check what it evaluates",
}


class _RefusedFunction(Jsonata.JFunction):  # type: ignore[misc]
    """Stands where a refused function was, whatever way an expression takes to call it."""

    def __init__(self, name: str) -> None:
        super().__init__(None, "<x?x?x?:x>")
        self.function_name = name

    def call(self, *_: Any) -> Any:
        name = self.function_name
        raise ExpressionFaultError(f"${name} {REFUSED[name]}")


class BoundedJsonata(Jsonata):  # type: ignore[misc]
    """One parsed expression; its making raises JException, and others, for what does not parse."""

    input: Any
    environment: Any

    def __init__(self, source: str) -> None:
        # A parser keeps what a failed parse left in it, and there is one for each thread.
        Jsonata.PARSER.parser = Parser()
        super().__init__(source, compile_bounded)
        self.set_validate_input(False)
        self.set_output_convert_nulls(False)
        self._lock = threading.Lock()
        self._steps = 0
        self._depth = 0
        self._cpu_deadline = 0.0
        for name in REFUSED:
            self.register_function(name, _RefusedFunction(name))
        for name, (signature, method) in PROVIDED.items():
            self.register_function(
                name, Jsonata.function(name, signature, ExpressionFunctions, method)
            )

    def answer(self, item: Any) -> Any:
        """The expression's value on the item: None is undefined, `NULL` is null."""
        with self._lock:
            self._steps = 0
            self._depth = 0
            self._cpu_deadline = time.thread_time() + _CPU_SECONDS
            Jsonata.CURRENT.jsonata = self
            return self.evaluate(item, {})

    def get_per_thread_instance(self) -> "BoundedJsonata":
        return self

    def eval(self, expr: Any, input: Any, environment: Any) -> Any:
        self._steps += 1
        if self._steps > MAX_STEPS:
            raise ExpressionFaultError(f"the expression took more than {MAX_STEPS:,} steps")
        if self._steps % _CLOCK_EVERY_STEPS == 0 and time.thread_time() > self._cpu_deadline:
            raise ExpressionFaultError(f"the expression took more than {_CPU_SECONDS:.0f} s")
        outer = (self.input, self.environment)
        self._go_deeper()
        try:
            result = self._eval(expr, input, environment)
        finally:
            self._depth -= 1
            self.input, self.environment = outer
        if isinstance(result, str | list) and len(result) > MAX_LENGTH:
            reason = f"a value grew to more than {MAX_LENGTH:,} characters or members"
            raise ExpressionFaultError(reason)
        return result

    def apply(self, proc: Any, args: Any, input: Any, environment: Any) -> Any:
        # A function called by $map and its like nests here before anything is evaluated.
        self._go_deeper()
        try:
            return super().apply(proc, args, input, environment)
        finally:
            self._depth -= 1

    def _go_deeper(self) -> None:
        if self._depth >= MAX_DEPTH:
            raise ExpressionFaultError(f"the expression nests more than {MAX_DEPTH:,} deep")
        self._depth += 1

    def apply_inner(self, proc: Any, args: Any, input: Any, environment: Any) -> Any:
        # jsonata-python prints to standard output here, where `--json` promises one document.
        if not self.is_function_like(proc):
            raise JException("T1006", 0)
        return super().apply_inner(proc, args, input, environment)

    def evaluate_string_concat(self, lhs: Any, rhs: Any) -> str:
        string = ExpressionFunctions.string
        return (string(lhs, False) or "") + (string(rhs, False) or "")

    def evaluate_numeric_expression(self, lhs: Any, rhs: Any, op: Any) -> Any:
        if op == "%" and Utils.is_numeric(lhs) and Utils.is_numeric(rhs) and rhs != 0:
            return Utils.convert_number(math.fmod(lhs, rhs))
        return super().evaluate_numeric_expression(lhs, rhs, op)


def known_names() -> set[str]:
    """The functions that an expression may call."""
    return {*Jsonata.static_frame.bindings, *PROVIDED} - REFUSED.keys()
