"""The program with one more model, and with the libraries that ``tests/data`` was written with.

``python -m tests.as_written plan film`` is ``python -m tests.tiny plan film``, told other versions of these libraries:
they are in the keys of segments and of the sound, and with them all that is printed of these keys.
"""

import runpy
from importlib import metadata

VERSIONS = {"av": "18.1.0", "moviepy": "2.2.1", "pillow": "11.3.0"}


def pretend() -> None:
    """Let ``importlib.metadata`` tell the versions of then."""
    real = metadata.version
    metadata.version = lambda name: VERSIONS.get(name) or real(name)


if __name__ == "__main__":
    pretend()
    runpy.run_module("tests.tiny", run_name="__main__")
