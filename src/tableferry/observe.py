"""Logs, traces and metrics of the functions, by Powertools."""

import warnings
from collections.abc import Callable, Mapping
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from tableferry.errors import TableferryError, TransientError, UnreachableError
from tableferry.model import Counts, Work

Handler = Callable[[dict[str, Any], LambdaContext], dict[str, Any]]

# Most functions publish metrics only when something went wrong; Powertools warns of each silence.
warnings.filterwarnings("ignore", message="No application metrics to publish")

logger = Logger()
tracer = Tracer(patch_modules=[])
metrics = Metrics()

_THROTTLES = ("KeyRange", "Provisioned", "MaxOnDemand", "AccountLimit")


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


def count_work(run: str, work: Work, counts: Counts, reasons: Mapping[str, int]) -> None:
    """Publishes what a worker did since it last told, and why it was throttled.

    Each figure goes out for the stack, for the kind of work, and for the work of one run.
    """
    values: dict[str, float] = {
        "ItemsRead": counts.read + counts.counted,
        "ItemsWritten": counts.written + counts.deleted,
        "ItemsQuarantined": counts.quarantined,
        "ReadUnits": counts.read_units,
        "WriteUnits": counts.write_units,
        "ThrottledRequests": counts.throttled,
    }
    for reason, number in reasons.items():
        name = throttled_by(reason)
        values[name] = values.get(name, 0) + number
    publish(run, work, values)


def publish(run: str, work: Work, values: Mapping[str, float]) -> None:
    """Publishes figures of a run's work at once."""
    count_for(Work=str(work))
    count_for(Work=str(work), Migration=run)
    for name, value in values.items():
        metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)
    metrics.flush_metrics()


def count_for(**dimensions: str) -> None:
    """Lets the metrics that are added next count for these too, beside the stack as a whole."""
    metrics.add_dimensions(service=str(metrics.service), **dimensions)


def throttled_by(reason: str) -> str:
    """The metric of one of AWS's reasons, whose names begin with Table or Index and Read or Write
    [BC dynamodb ThrottlingReason].
    """
    kind = next((name for name in _THROTTLES if name in reason), "")
    return f"ThrottledBy{kind}" if kind else "ThrottledOtherwise"
