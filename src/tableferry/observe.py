"""Logs, traces and metrics of the functions, by Powertools."""

from collections.abc import Callable
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from tableferry.errors import TableferryError, TransientError, UnreachableError
from tableferry.model import Counts

Handler = Callable[[dict[str, Any], LambdaContext], dict[str, Any]]

logger = Logger()
tracer = Tracer(patch_modules=[])
metrics = Metrics()


def observed(handler: Handler) -> Handler:
    """The handler with one log line for its outcome, a trace, and its metrics flushed.

    An error is logged once, here at the edge, and raised on: Step Functions sees its class name.
    """

    def logged(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        run = event.get("migration", {}).get("run") if isinstance(event, dict) else None
        logger.append_keys(run=run)
        try:
            answer = handler(event, context)
        except UnreachableError as error:
            # In the stack a network that does not answer passes; the retrier knows TransientError.
            logger.error(error.cause)
            raise TransientError(error.cause, hint=error.hint) from error
        except TableferryError as error:
            logger.error(error.cause, extra={"error": error.to_json()})
            metrics.add_metric(name="Errors", unit=MetricUnit.Count, value=1)
            raise
        logger.info("done", extra={"answer": answer})
        return answer

    traced = tracer.capture_lambda_handler(logged)
    measured = metrics.log_metrics(traced)
    observed_handler: Handler = logger.inject_lambda_context(measured)
    return observed_handler


def count_work(counts: Counts, run: str) -> None:
    """Publishes what one invocation did; the dimension is the run."""
    metrics.add_dimension(name="Migration", value=run)
    for name, value, unit in (
        ("ItemsRead", counts.read, MetricUnit.Count),
        ("ItemsWritten", counts.written + counts.deleted, MetricUnit.Count),
        ("ItemsQuarantined", counts.quarantined, MetricUnit.Count),
        ("ThrottledRequests", counts.throttled, MetricUnit.Count),
        ("ReadUnits", counts.read_units, MetricUnit.Count),
        ("WriteUnits", counts.write_units, MetricUnit.Count),
    ):
        metrics.add_metric(name=name, unit=unit, value=value)
