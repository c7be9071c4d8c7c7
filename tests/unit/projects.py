"""Projects in memory for the tests of the language."""

from collections.abc import Iterator, Sequence
from fractions import Fraction

from storyboard.core.diagnostics import Diagnostic
from storyboard.core.file_signatures import FileKind
from storyboard.document.load import Loaded, load
from storyboard.document.paths import folded
from storyboard.document.project_files import FileProblem, OtherStoryboard
from storyboard.providers.models import cards

MISSING = "the file does not exist"
ENDINGS: dict[FileKind, str] = {"picture": ".png", "clip": ".mp4", "font": ".ttf", "sound": ".wav"}


class MemoryFiles:
    """Files by path; their names say what they are."""

    def __init__(self, files: dict[str, str]) -> None:
        self.files = files
        self.asked: list[str] = []

    def read(self, path: str) -> bytes:
        self.asked.append(path)
        if path not in self.files:
            raise FileProblem(MISSING)
        return self.files[path].encode()

    def problem(self, path: str, kind: FileKind) -> str | None:
        self.asked.append(path)
        if path not in self.files:
            return MISSING
        return None if path.endswith(ENDINGS[kind]) else f"it is no {kind}"

    def missing_letters(self, path: str, text: str) -> str:
        return ""

    def unwritten(self, letters: str) -> str:
        return letters

    def picture(self, path: str) -> None:
        return None

    def length(self, path: str, kind: FileKind) -> Fraction | None:
        return None

    def outside_folder(self, path: str) -> str | None:
        return None

    def identities(self, path: str) -> frozenset[str]:
        return frozenset((folded(path),))

    def other_spelling(self, path: str) -> str | None:
        return None

    def other_storyboards(self, files: Sequence[str], films: Sequence[str]) -> Iterator[OtherStoryboard]:
        yield from ()


def load_text(text: str, provider: str | None = None, **files: str) -> Loaded:
    """Load a storyboard at the top of a project; *files* are further ones, ``__`` for a slash and ``_`` for a dot."""
    names = {name.replace("__", "/").replace("_", "."): content for name, content in files.items()}
    return load("storyboard.yaml", MemoryFiles({"storyboard.yaml": text, **names}), cards(), provider=provider)


def film(*shots: str, head: str = "") -> str:
    """A storyboard of one scene from shots in flow style, such as ``id: a, prompt: b``."""
    body = "".join(f"      - {{{shot}}}\n" for shot in shots)
    return f"version: 1\n{head}scenes:\n  - id: river\n    shots:\n{body}"


def codes(loaded: Loaded) -> list[str]:
    return [finding.code for finding in loaded.findings]


def only(loaded: Loaded) -> Diagnostic:
    """The single finding."""
    (finding,) = loaded.findings
    return finding
