"""What a distributed Map's ResultWriter puts into S3 (AWS Step Functions developer guide,
"ResultWriter").
"""

import json
from collections.abc import Sequence
from typing import Any

from ministack.services import s3
from ministack.services import stepfunctions as sfn

from tableferry.local.launcher import runs
from tableferry.local.launcher.map_states import MapState
from tableferry.local.launcher.runs import Execution

FILES = {
    "SUCCEEDED": ("SUCCEEDED",),
    "FAILED": ("FAILED", "TIMED_OUT", "ABORTED"),
    "PENDING": ("PENDING",),
}


def write(
    map_state: MapState, map_run_arn: str, children: Sequence[Execution | None]
) -> dict[str, Any] | None:
    """Write the children's results and a manifest; the Map's result, None without a writer."""
    writer = map_state.definition.get("ResultWriter")
    if not writer:
        return None
    parameters = map_state.resolved(writer.get("Parameters") or {})
    bucket = parameters.get("Bucket", "")
    prefix = str(parameters.get("Prefix") or "").strip("/")
    folder = "/".join(part for part in (prefix, map_run_arn.rsplit(":", maxsplit=1)[-1]) if part)
    files: dict[str, list[dict[str, Any]]] = {name: [] for name in FILES}
    for name, statuses in FILES.items():
        results = [_result(child) for child in children if child and child["status"] in statuses]
        if results:
            size = _put(bucket, f"{folder}/{name}_0.json", results)
            files[name].append({"Key": f"{folder}/{name}_0.json", "Size": size})
    manifest = {"DestinationBucket": bucket, "MapRunArn": map_run_arn, "ResultFiles": files}
    _put(bucket, f"{folder}/manifest.json", manifest)
    details = {"Bucket": bucket, "Key": f"{folder}/manifest.json"}
    return {"MapRunArn": map_run_arn, "ResultWriterDetails": details}


def _result(child: Execution) -> dict[str, Any]:
    result = {
        "ExecutionArn": child["executionArn"],
        "Input": child["input"],
        "InputDetails": {"Included": True},
        "Name": child["name"],
        "StartDate": child["startDate"],
        "StateMachineArn": child["stateMachineArn"],
        "Status": child["status"],
        "StopDate": child["stopDate"],
    }
    for name in ("output", "error", "cause"):
        if child.get(name) is not None:
            result[name.capitalize()] = child[name]
    fields = runs.redrive_fields(child)
    return result | {name[0].upper() + name[1:]: value for name, value in fields.items()}


def _put(bucket: str, key: str, content: Any) -> int:
    body = json.dumps(content).encode()
    status, _headers, answer = s3._put_object(
        bucket, key, body, {"content-type": "application/json"}
    )
    if status != 200:
        text = answer.decode() if isinstance(answer, bytes) else str(answer)
        raise sfn._ExecutionError("States.ResultWriterFailed", f"{bucket}/{key}: {text}")
    return len(body)
