"""Paths and URLs as written in a storyboard: their meaning in the project, or the reason why they are refused.

Nothing here touches the disk; ``project_files`` finds links and missing files.
"""

import re
import unicodedata
from posixpath import dirname, splitext
from urllib.parse import urlsplit

from storyboard.core.model import OWN_FOLDERS
from storyboard.durable import STAGED

MAX_PART_BYTES = 255
_RELATIVE = "write a path relative to this file"
_HTTPS = "write an `https://` URL, or the path of a file"


class BadPath(ValueError):
    """A path or URL that is refused: a stable code, a fact, and perhaps a way out."""

    def __init__(self, code: str, message: str, help: str | None = None) -> None:  # noqa: A002
        super().__init__(message)
        self.code = code
        self.message = message
        self.help = help


def project_path(text: str, beside: str) -> str:
    """Return the project path of *text* as written in the file *beside*. Raises ``BadPath``.

    The result holds no ``.`` and no ``..``.
    """
    if "\\" in text:
        forward = text.replace("\\", "/")
        raise BadPath("bad-path", "the path has a backslash", f"write `{_shorten(forward)}`")
    if text.startswith(("/", "~")):
        raise BadPath("bad-path", "the path is absolute", _RELATIVE)
    if ":" in text:
        raise BadPath("bad-path", "the path has a `:`", _RELATIVE)
    parts: list[str] = [part for part in dirname(beside).split("/") if part]
    for part in text.split("/"):
        if part == "..":
            if not parts:
                raise BadPath("outside-project", "the path leads out of the project", "write a path inside the project")
            parts.pop()
        elif len(part.encode("utf-8")) > MAX_PART_BYTES:
            raise BadPath("bad-path", f"a part of the path is longer than {MAX_PART_BYTES} bytes", "use a shorter name")
        elif part not in ("", "."):
            parts.append(part)
    if not parts or text.endswith("/"):
        raise BadPath("bad-path", "the path names a folder", "add the name of a file")
    if STAGED.fullmatch(parts[-1]):
        fact = "a build removes files of this name, which killed builds leave"
        raise BadPath("bad-path", fact, "rename the file, and write its new name")
    return "/".join(parts)


def film_path(text: str, beside: str) -> str:
    """Return the project path of a film to write. Raises ``BadPath``."""
    path = project_path(text, beside)
    if OWN_FOLDERS & {part.casefold() for part in path.split("/")}:
        raise BadPath("bad-path", "the film cannot be written into `.storyboard` or `.git`", "name another folder")
    name = path.rpartition("/")[2]
    if not path.endswith((".mp4", ".mov")) or len(name) == len(".mp4"):
        example = f"{text.removesuffix(splitext(text)[1])}.mp4"
        raise BadPath("bad-path", "the name of the film must end in `.mp4` or `.mov`", f"write `{_shorten(example)}`")
    if not name[: -len(".mp4")].strip("."):  # the folder of links to takes would be `.` or `..`
        raise BadPath("bad-path", "the name of the film has dots only before its suffix", "name another file")
    return path


def is_url(text: str) -> bool:
    """Return whether *text* is meant as a URL and not as a path."""
    return "://" in text or text.lower().startswith(("data:", "file:", "http:", "https:"))


def https_url(text: str) -> str:
    """Return *text* if it is an https URL that can be fetched. Raises ``BadPath``."""
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError as problem:
        raise BadPath("bad-url", "this is not a valid URL", _HTTPS) from problem
    if parts.scheme == "http":
        raise BadPath("bad-url", "pictures are downloaded over https only", _HTTPS)
    if parts.scheme != "https":
        raise BadPath("bad-url", f"`{_shorten(parts.scheme)}:` URLs are not supported", _HTTPS)
    if parts.username is not None or parts.password is not None:
        raise BadPath("bad-url", "the URL has a user name or a password", "delete both from the URL")
    if not host or port == 0 or any(character.isspace() for character in text):
        raise BadPath("bad-url", "this is not a valid URL", _HTTPS)
    return text


def default_film_path(storyboard: str) -> str:
    """Return the path of a film without ``output.file``: ``out/NAME.mp4`` beside the storyboard."""
    folder, _, file = storyboard.rpartition("/")
    name = file.removesuffix(".yaml").removesuffix(".yml")
    if name == "storyboard":
        name = folder.rpartition("/")[2] or "film"
    name = name.removesuffix(".storyboard") or "film"
    return f"{folder}/out/{name}.mp4" if folder else f"out/{name}.mp4"


def _shorten(text: str) -> str:
    return text if len(text) <= 60 else text[:59] + "…"


_RESERVED = re.compile(r"(?:con|prn|aux|nul|(?:com|lpt)[0-9])\Z")


def is_reserved(name: str) -> bool:
    """Return whether Windows reserves *name* for a device and refuses it as the name of a file."""
    return _RESERVED.match(name) is not None


def folded(name: str) -> str:
    """Return *name* in NFKC and casefolded: equal for two names that are one file on some file systems."""
    return unicodedata.normalize("NFKC", name).casefold()
