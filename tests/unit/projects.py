"""Projects in memory for the tests of the language."""

from storyboard.core.diagnostics import Diagnostic
from storyboard.document.files import FileProblem
from storyboard.document.load import Loaded, load
from storyboard.providers.models import cards

MISSING = "there is no such file"


class MemoryFiles:
    """Files by path; those whose name ends in ``.png`` are pictures."""

    def __init__(self, files: dict[str, str]) -> None:
        self.files = files
        self.asked: list[str] = []

    def read(self, path: str) -> bytes:
        self.asked.append(path)
        if path not in self.files:
            raise FileProblem(MISSING)
        return self.files[path].encode()

    def picture_problem(self, path: str) -> str | None:
        self.asked.append(path)
        if path not in self.files:
            return MISSING
        return None if path.endswith(".png") else "it is no picture"

    def clip_problem(self, path: str) -> str | None:
        return self._problem(path, ".mp4")

    def font_problem(self, path: str) -> str | None:
        return self._problem(path, ".ttf")

    def missing_letters(self, path: str, text: str) -> str:
        return ""

    def sound_problem(self, path: str) -> str | None:
        return self._problem(path, ".wav")

    def _problem(self, path: str, ending: str) -> str | None:
        if path not in self.files:
            return MISSING
        return None if path.endswith(ending) else f"it is no {ending}"


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
