"""Gap: lines in CloudWatch's embedded metric format become metrics.

Stock: what Powertools Metrics prints stays a log line. Source: Amazon CloudWatch user guide,
"Specification: Embedded metric format".
"""

import json
import time
from collections.abc import Iterator
from typing import Any

from ministack.services import cloudwatch, lambda_svc

from tableferry.local.launcher import patching


def close() -> None:
    stock = lambda_svc._emit_lambda_logs

    def emit_lambda_logs(
        function: dict[str, Any], request_id: str, text: str, *rest: Any, **named: Any
    ) -> None:
        stock(function, request_id, text, *rest, **named)
        for line in text.splitlines():
            record_line(line)

    patching.replace(lambda_svc, "_emit_lambda_logs", emit_lambda_logs, digest="111efbf06968")


def record_line(line: str) -> None:
    """Record the metrics of a log line, if it has any."""
    if '"_aws"' not in line:
        return
    try:
        root = json.loads(line)
        directives = root["_aws"]["CloudWatchMetrics"]
        moment = root["_aws"].get("Timestamp", time.time() * 1000) / 1000
    except (ValueError, KeyError, TypeError):
        return
    for directive in directives:
        for dimensions in _dimension_sets(directive, root):
            for metric in directive.get("Metrics", []):
                _record(directive["Namespace"], metric, dimensions, (root, moment))


def _dimension_sets(directive: dict[str, Any], root: dict[str, Any]) -> Iterator[dict[str, str]]:
    for names in directive.get("Dimensions") or [[]]:
        yield {name: str(root[name]) for name in names if name in root}


def _record(
    namespace: str,
    metric: dict[str, Any],
    dimensions: dict[str, str],
    source: tuple[dict[str, Any], float],
) -> None:
    root, moment = source
    values = root.get(metric["Name"], [])
    key = (namespace, metric["Name"], cloudwatch._dims_key(dimensions))
    for value in values if isinstance(values, list) else [values]:
        point = {
            "Timestamp": moment,
            "Value": float(value),
            "Unit": metric.get("Unit", "None"),
            "Dimensions": dict(dimensions),
        }
        cloudwatch._metric_bucket(key).append(point)
