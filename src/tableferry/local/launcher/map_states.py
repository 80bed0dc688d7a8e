"""What a distributed Map state says: its items, its numbers, its templates."""

import copy
import json
from dataclasses import dataclass
from typing import Any

from ministack.services import stepfunctions as sfn

State = dict[str, Any]


@dataclass(frozen=True, slots=True)
class MapState:
    """A distributed Map state, its effective input, and the context object it is run with."""

    definition: State
    value: Any
    context: dict[str, Any]

    def resolved(self, template: Any, context: dict[str, Any] | None = None) -> Any:
        """A template (`ItemSelector`, `Parameters`) with its paths resolved."""
        return sfn._resolve_params_obj(template, self.value, context or self.context)

    def number(self, name: str) -> float:
        """A number given outright or by a path (`MaxConcurrency`, `MaxConcurrencyPath`)."""
        path = self.definition.get(f"{name}Path")
        if path is None:
            return float(self.definition.get(name) or 0)
        value = sfn._resolve_path_or_ctx(path, self.value, self.context)
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            found = f"{path} must be a number of 0 or more, was {json.dumps(value)}"
            raise sfn._ExecutionError("States.Runtime", f"{name}Path {found}")
        return float(value)

    def child_inputs(self) -> list[Any]:
        """The input of each child, in the order of the items."""
        reader = self.definition.get("ItemReader")
        if reader:
            items = sfn._read_map_items(reader, self.value, self.context)
        else:
            path = self.definition.get("ItemsPath", "$")
            items = sfn._resolve_path_or_ctx(path, self.value, self.context)
        if not isinstance(items, list):
            raise sfn._ExecutionError("States.Runtime", "The items of the Map are not a list")
        selector = self.definition.get("ItemSelector") or self.definition.get("Parameters")
        if not selector:
            return items
        inputs = []
        for index, item in enumerate(items):
            of_item = {**self.context, "Map": {"Item": {"Index": index, "Value": item}}}
            inputs.append(copy.deepcopy(self.resolved(selector, of_item)))
        return inputs
