"""Letters of what is drawn into the film, which the font it is drawn with has to have."""

from storyboard.core.diagnostics import Diagnostic, error
from storyboard.core.model import FileInput
from storyboard.document.fields import Field
from storyboard.document.frames import Frames
from storyboard.document.names import quoted
from storyboard.fonts import has_layout, needs_layout

_NAMED = 12  # missing letters, at most


def can_be_drawn(
    field: Field, text: str, font: FileInput | None, frames: Frames, findings: list[Diagnostic], example: str
) -> bool:
    """Whether *font*, or without one the built-in font, has all letters of *text*, which *field* says, and whether
    Pillow can put them beside each other as their script wants it.

    If not, that is told, with an *example* of where a font is named.
    """
    missing = frames.missing_letters(font, text)
    if missing:
        whose = "the built-in font" if font is None else quoted(font.path, 80)
        letters = " ".join(missing[:_NAMED]) + (" …" if len(missing) > _NAMED else "")
        way_out = f"name a font file of the project that has them: `{example}`"
        findings.append(error("missing-letters", f"{whose} does not have {letters}", field.span, help=way_out))
    return not missing and _can_be_laid_out(field, text, findings)


def _can_be_laid_out(field: Field, text: str, findings: list[Diagnostic]) -> bool:
    if not needs_layout(text) or has_layout():
        return True
    message = "these letters run from right to left or join, which Pillow does with FriBiDi, and that is not installed"
    way_out = "install it: `apt-get install libfribidi0`, `brew install fribidi`"
    findings.append(error("no-layout", message, field.span, help=way_out))
    return False
