"""What the language knows and storyboard cannot do yet: refused where it stands, never ignored.

A line goes when its feature is built.
"""

from collections.abc import Callable, Iterator

from storyboard.core.diagnostics import Diagnostic, error
from storyboard.document.fields import Layer

_Test = Callable[[object], bool]


def _always(_value: object) -> bool:
    return True


UNBUILT: dict[str, tuple[_Test, str]] = {
    "audio": (_always, "the sound of a shot is"),
}


def refusals(layer: Layer) -> Iterator[Diagnostic]:
    """A finding for every field of *layer* that asks for something that is not built."""
    for name, value in layer.data.items():
        test, what = UNBUILT.get(name, (None, ""))
        if test is not None and (*layer.path, name) not in layer.document.bad and test(value):
            place = layer.document.key_span((*layer.path, name))
            yield error("not-supported-yet", f"`{name}`: {what} not supported yet", place)
