"""Exit codes, and the exception that ends a verb with one."""

from enum import IntEnum


class Exit(IntEnum):
    """What the exit code says."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    STORYBOARD = 3
    BUDGET = 4
    KEY = 5
    POLICY = 6
    LOCKED = 7
    INTERRUPTED = 130


# What a failed shot's code means for the build as a whole; the first of these that occurs decides.
BY_CODE = {
    "auth": Exit.KEY,
    "no-balance": Exit.BUDGET,
    "over-budget": Exit.BUDGET,
    "moderated": Exit.POLICY,
}


class Leave(Exception):
    """End with this exit code; what there was to say has been said."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code
