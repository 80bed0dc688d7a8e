"""Why an item does not fit a step; the step adds its place and makes an ItemError of it."""


class FaultError(Exception):
    """`reason` says what was found on the item, `hint` what the author of the step can do."""

    def __init__(self, reason: str, hint: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint

    def __str__(self) -> str:
        return self.reason
