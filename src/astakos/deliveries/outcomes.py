"""How an attempt to deliver something fails."""


class DeliveryError(Exception):
    """The receiver has not confirmed that it has taken the message; the text says why.

    Attributes:
        is_final: whether another attempt cannot succeed.
        is_gone: whether the receiver wants no message any more.
    """

    def __init__(self, reason: str, *, is_final: bool = False, is_gone: bool = False) -> None:
        """Sets why."""
        super().__init__(reason)
        self.is_final = is_final
        self.is_gone = is_gone
