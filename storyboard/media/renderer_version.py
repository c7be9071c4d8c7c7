"""What renders, by name and version, so that a segment is made again when that changes. Loads none of it."""

from storyboard.core.model import Json

# Raised whenever the same segment would come out with other pixels.
RENDERER_VERSION = 4
LIBRARIES = ("moviepy", "av", "pillow")


def renderer_id() -> dict[str, Json]:
    """The versions that decide over the bytes of a segment. PyAV's own version names the FFmpeg inside it."""
    from importlib.metadata import version  # takes longer to load than a small plan takes otherwise

    libraries = {name: version(name) for name in LIBRARIES}
    return {"renderer": RENDERER_VERSION, **libraries}
