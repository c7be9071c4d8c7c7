"""Version of the renderer, part of the keys of segments. Imports none of the rendering libraries."""

from storyboard.core.model import Json

# Raise this whenever an equal segment would get other pixels.
RENDERER_VERSION = 4
LIBRARIES = ("moviepy", "av", "pillow")


def renderer_id() -> dict[str, Json]:
    """Return the versions that determine the bytes of a segment. PyAV's own version implies the FFmpeg inside it."""
    from importlib.metadata import version  # slower to import than a whole small plan takes

    libraries = {name: version(name) for name in LIBRARIES}
    return {"renderer": RENDERER_VERSION, **libraries}
