"""Removes the mappings that the functions made when the stack is deleted; a custom resource."""

import json
import urllib.request
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from tableferry.live.runtime import live_runtime
from tableferry.observe import observed


@observed
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    status, reason = "SUCCESS", ""
    try:
        if event["RequestType"] == "Delete":
            mappings = live_runtime().mappings
            for mapping in mappings.all():
                mappings.delete(mapping.uuid)
    except Exception as error:
        # Whatever happens, CloudFormation must hear of it, or the stack waits for an hour.
        status, reason = "FAILED", f"{type(error).__name__}: {error}"
    answer = {
        "Status": status,
        "Reason": reason or f"see {context.log_stream_name}",
        "PhysicalResourceId": event.get("PhysicalResourceId", "sync-mappings"),
        **{name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")},
    }
    # CloudFormation's answer goes to a signed address with an empty content type.
    request = urllib.request.Request(
        event["ResponseURL"],
        data=json.dumps(answer).encode(),
        method="PUT",
        headers={"Content-Type": ""},
    )
    urllib.request.urlopen(request, timeout=10).close()
    return {"status": status}
