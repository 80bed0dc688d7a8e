"""What EventBridge gets when an execution's status changes; part of the gap "executions"."""

import json

from ministack.services import eventbridge
from ministack.services import stepfunctions as sfn

from tableferry.local.launcher import runs
from tableferry.local.launcher.runs import Execution


def emit(execution: Execution) -> None:
    """Publish the "Step Functions Execution Status Change" event as the developer guide has it."""
    if execution.get("sync"):
        return
    status = execution["status"]
    output = execution.get("output") if status == "SUCCEEDED" else None
    detail = {
        "executionArn": execution["executionArn"],
        "stateMachineArn": execution["stateMachineArn"],
        "name": execution["name"],
        "status": status,
        "startDate": sfn._iso_to_epoch_ms(execution.get("startDate")),
        "stopDate": sfn._iso_to_epoch_ms(execution.get("stopDate")),
        "input": execution.get("input"),
        "output": output,
        "stateMachineVersionArn": None,
        "stateMachineAliasArn": None,
        "redriveDate": None,
        "redriveStatusReason": None,
        "error": execution.get("error"),
        "cause": execution.get("cause"),
        **runs.redrive_fields(execution),
    }
    detail["redriveDate"] = sfn._iso_to_epoch_ms(detail["redriveDate"])
    for name in ("input", "output"):
        is_included = detail[name] is None or len(detail[name]) <= sfn._STATUS_EVENT_PAYLOAD_CAP
        detail[name] = detail[name] if is_included else None
        detail[f"{name}Details"] = (
            {"included": is_included} if detail[name] or not is_included else None
        )
    entry = {
        "Source": "aws.states",
        "DetailType": "Step Functions Execution Status Change",
        "Detail": json.dumps(detail),
        "Resources": [execution["executionArn"]],
    }
    eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)
