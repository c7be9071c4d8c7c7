"""Keys of paid providers: they leave the environment before this program starts any other, which would inherit them."""

import os

_SUFFIX = "_API_KEY"
_taken: dict[str, str] = {}


def take_keys() -> None:
    """Take every provider's key out of the environment and keep it here. To be called before anything is started."""
    _taken.clear()
    for name in [name for name in os.environ if name.endswith(_SUFFIX)]:
        _taken[name] = os.environ.pop(name).strip()


def key_in(variable: str) -> str:
    """The key that the environment had in *variable*; empty if it had none."""
    if variable not in _taken:  # a plug-in may call its variable anything
        _taken[variable] = os.environ.pop(variable, "").strip()
    return _taken[variable]
