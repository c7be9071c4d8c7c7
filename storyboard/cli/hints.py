"""Which commands would help next: by the code of an error, and with the storyboard that the verb was about."""

from collections.abc import Iterable, Sequence

# For errors whose verb has nothing better to say.
_BY_CODE = {
    "auth": ["storyboard doctor"],
    "codec": ["storyboard doctor"],
    "git": ["git init"],
    "held": ["storyboard status"],
    "lockfile": ["git diff", "git checkout -- storyboard.lock"],
    "no-balance": ["storyboard build --draft"],
    "offline": ["storyboard plan", "storyboard build --draft"],
    "over-budget": ["storyboard plan"],
    "revision": ["git log --oneline"],
    "unconfirmed": ["storyboard plan", "storyboard build --yes --max-cost DOLLARS", "storyboard build --draft"],
    "unsure": ["storyboard build"],
    "usage": ["storyboard --help"],
}
# The verbs that take a storyboard as their last word.
_ABOUT_ONE = frozenset(
    (
        "accept",
        "build",
        "cache",
        "check",
        "cost",
        "diff",
        "graph",
        "hold",
        "log",
        "pick",
        "plan",
        "release",
        "status",
        "take",
        "takes",
        "why",
    )
)


def after(codes: Iterable[str]) -> list[str]:
    """Commands that would help after errors of these codes."""
    return list(dict.fromkeys(command for code in codes for command in _BY_CODE.get(code, ())))


def about(commands: Sequence[str], storyboard: str) -> list[str]:
    """*commands* for that storyboard; empty is the one in this folder."""
    if not storyboard:
        return list(commands)
    import shlex

    return [f"{command} {shlex.quote(storyboard)}" if _takes_one(command) else command for command in commands]


def _takes_one(command: str) -> bool:
    words = command.split()
    return words[0] == "storyboard" and len(words) > 1 and words[1] in _ABOUT_ONE
