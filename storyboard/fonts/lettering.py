"""Lettering: text of one size in several fonts, each letter in the first of them that has it, in any script.

Pillow lays out a run of one font. Where a line needs several, its runs are put next to each other here on one base
line, in the order in which they are read, by the main rules of the Unicode Bidirectional Algorithm (UAX 9, without
explicit embeddings). Lines break at blanks, between Chinese and Japanese characters, and before the vowels that begin a
syllable in Thai and Lao.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any
from unicodedata import bidirectional, category, east_asian_width

from PIL.ImageDraw import ImageDraw
from PIL.ImageFont import FreeTypeFont

from storyboard.fonts import has_layout, load_face, missing_letters

# A font file, `None` for the built-in font, and the number of the face in it.
FontFile = tuple[Path | None, int]

# Japanese and Chinese rules for lines (JIS X 4051, W3C clreq), for the signs that all typesetters keep off the ends.
_NEVER_FIRST = frozenset(
    "、。，．・：；？！‐ー―…‥〜～〉》」』】〕〗）］｝’”〞々ゝゞヽヾ〻,.!?:;)]}%％‰°℃"
    "ぁぃぅぇぉっゃゅょゎゕゖァィゥェォッャュョヮヵヶㇰㇱㇲㇳㇴㇵㇶㇷㇸㇹㇺㇻㇼㇽㇾㇿ"
)
_NEVER_LAST = frozenset("〈《「『【〔〖（［｛‘“〝([{$¥£€￥￡＄")
_SYLLABLE_STARTS = frozenset("เแโใไເແໂໃໄ")
_JOINED = frozenset("ำຳ")  # Thai and Lao AM, whose first part stands above the letter before (UAX 29, SpacingMark)
_REGULAR_WEIGHT = 400


class Lettering:
    """Text in the faces of *fonts*, *points* pixels high; a letter of none of them is drawn with the first.

    Raises ``UnreadableFont``.
    """

    def __init__(self, points: int, fonts: Sequence[FontFile] = ((None, 0),)) -> None:
        self.size = points
        self.fonts = tuple(fonts)
        self._lengths: dict[str, float] = {}
        self._faces = [load_face(points, *font) for font in fonts]
        for face in self._faces[1:]:
            _choose_regular(face)

    @property
    def ascent(self) -> int:
        """Pixels above the base line, in the first face: all faces stand on its base line."""
        return self._faces[0].getmetrics()[0]

    def row_height(self, text: str = "") -> int:
        """Return the pixels of a row with *text*: ascent and descent of the highest faces in it."""
        used = [self._faces[0], *(face for face, _, _ in self._runs(text))]
        return max(face.getmetrics()[0] for face in used) + max(face.getmetrics()[1] for face in used)

    def lacks(self, letter: str) -> bool:
        """Return whether no face has *letter*."""
        return all(_lacks(font, letter) for font in self.fonts)

    def length(self, text: str) -> float:
        """Return how far *text* moves the pen, in pixels."""
        return sum(face.getlength(part, **options) for face, part, options in self._runs(text))

    def part_length(self, text: str) -> float:
        """Return ``length`` of a text that occurs often, such as a word or a letter."""
        known = self._lengths.get(text)
        if known is None:
            known = self._lengths[text] = self.length(text)
        return known

    def box(self, text: str) -> tuple[float, float]:
        """Return the left and right end of what *text* covers, from where the pen is, in pixels."""
        x, left, right = 0.0, 0.0, 0.0
        for number, (face, part, options) in enumerate(self._runs(text)):
            low, _, high, _ = face.getbbox(part, **options)
            left = low if number == 0 else min(left, x + low)
            right = max(right, x + high)
            x += face.getlength(part, **options)
        return left, right

    def width(self, text: str) -> float:
        """Return the pixels that *text* covers."""
        left, right = self.box(text)
        return right - left

    def draw(
        self, pen: ImageDraw, x: float, y: float, text: str, fill: Any, *, centered: bool = False, **edge: Any
    ) -> None:
        """Draw *text* from *x*, or *centered* at it, with the top of the first face at *y*.

        *edge* are the options of Pillow for a stroke.
        """
        runs = self._runs(text)
        if len(runs) == 1 and runs[0][0] is self._faces[0]:
            face, part, options = runs[0]
            pen.text((x, y), part, fill, face, anchor="ma" if centered else "la", **options, **edge)
            return
        x -= self.length(text) / 2 if centered else 0
        for face, part, options in runs:
            pen.text((x, y + self.ascent), part, fill, face, anchor="ls", **options, **edge)
            x += face.getlength(part, **options)

    def _runs(self, text: str) -> list[tuple[FreeTypeFont, str, dict[str, Any]]]:
        """Return the runs of a line from left to right: a face, its part, and the options of Pillow for it."""
        if len(self._faces) == 1:
            return [(self._faces[0], text, {})]
        found: list[tuple[FreeTypeFont, str, dict[str, Any]]] = []
        segments, backwards = _directions(text)
        for part, leftwards in reversed(segments) if backwards else segments:
            runs = list(self._split(part))
            for number, run in reversed(runs) if leftwards else runs:
                options = {"direction": "rtl" if leftwards else "ltr"} if len(segments) > 1 and has_layout() else {}
                found.append((self._faces[number], run, options))
        return found

    def _split(self, text: str) -> Iterator[tuple[int, str]]:
        """Yield the parts of *text*, each with the number of its face; blanks stay with what is before them."""
        last, run = -1, ""
        for cluster in clusters(text):
            number = last if last >= 0 and cluster.isspace() else self._choose(cluster)
            if number != last and run:
                yield last, run
                run = ""
            last, run = number, run + cluster
        if run:
            yield last, run

    def _choose(self, cluster: str) -> int:
        for letters in (cluster, cluster[0]):
            for number, font in enumerate(self.fonts):
                if not any(_lacks(font, letter) for letter in letters):
                    return number
        return 0


@lru_cache(maxsize=100_000)
def _lacks(font: FontFile, letter: str) -> bool:
    return bool(missing_letters(letter, *font))


def _choose_regular(face: FreeTypeFont) -> None:
    """Let a variable font draw in its regular weight: the first of some is thin."""
    with suppress(OSError, NotImplementedError):
        axes = face.get_variation_axes()
        chosen: list[float] = []
        for axis in axes:
            name = axis.get("name") or b""
            is_weight = b"eight" in (name if isinstance(name, bytes) else str(name).encode())
            low, high = axis["minimum"] or 0, axis["maximum"] or 0
            chosen.append(min(max(_REGULAR_WEIGHT, low), high) if is_weight else axis["default"] or 0)
        if chosen:
            face.set_variation_by_axes(chosen)


def clusters(text: str) -> Iterator[str]:
    """Yield the parts of *text* that no line break and no change of font may divide: a letter and its marks."""
    cluster = ""
    for letter in text:
        joins = category(letter) in ("Mn", "Mc", "Me", "Cf") or letter in _JOINED or cluster.endswith("\u200d")
        if cluster and not joins:
            yield cluster
            cluster = ""
        cluster += letter
    if cluster:
        yield cluster


def _directions(text: str) -> tuple[list[tuple[str, bool]], bool]:
    """Return the parts of a line of one direction each, with whether it runs leftwards, and whether the line does.

    Numbers go with the letters before them; signs between two parts of one direction go with these, else with the line.
    """
    kinds = [bidirectional(letter) for letter in text]
    strong = [True if kind in ("R", "AL") else False if kind == "L" else None for kind in kinds]
    if True not in strong:
        return [(text, False)], False
    line = next(one for one in strong if one is not None)
    before = line
    resolved: list[bool | None] = []
    for kind, one in zip(kinds, strong, strict=True):
        before = before if one is None else one
        resolved.append(before if kind in ("EN", "AN", "NSM", "BN") else one)
    last: bool = line
    parts: list[tuple[str, bool]] = []
    for number, (letter, one) in enumerate(zip(text, resolved, strict=True)):
        if one is None:
            following = next((other for other in resolved[number:] if other is not None), line)
            one = last if last == following else line
        last = one
        if parts and parts[-1][1] == one:
            parts[-1] = (parts[-1][0] + letter, one)
        else:
            parts.append((letter, one))
    return parts, line


def wrap_lines(
    text: str, lettering: Lettering, width: float, *, break_words: bool, most: int | None = None
) -> list[str]:
    """Return lines no wider than *width* where the rules allow it; with *break_words*, split what is still too wide.

    The rest of the text is left out after *most* lines and one more.
    """
    rows: list[str] = []
    for line in text.splitlines() or [""]:
        rows.append("")
        moved = 0.0
        for blank, part in _parts(line, lettering, width if break_words else None):
            longer = f"{rows[-1]}{blank}{part}".strip()
            moved += lettering.part_length(blank + part)
            if not rows[-1] or _surely_fits(moved, lettering, width) or lettering.width(longer) <= width:
                rows[-1] = longer
                continue
            if most is not None and len(rows) > most:
                return rows
            rows.append(part)
            moved = lettering.part_length(part)
    return rows


def _surely_fits(moved: float, lettering: Lettering, width: float) -> bool:
    """Return whether parts that move the pen that far together are no wider than *width* in whatever order.

    The width of a row is measured only near its end: next to each other, letters are a little closer or wider.
    """
    return moved * 1.1 + 2 * lettering.size < width


def _parts(line: str, lettering: Lettering, width: float | None) -> Iterator[tuple[str, str]]:
    """Yield the parts between which a line may break, each with the blank before it."""
    for word in line.split():
        blank = " "
        for part in breakable_parts(word):
            too_wide = width is not None and lettering.width(part) > width
            for piece in _fitting(part, lettering, width or 0) if too_wide else [part]:
                yield blank, piece
                blank = ""


def _fitting(part: str, lettering: Lettering, width: float) -> list[str]:
    pieces = [""]
    for cluster in clusters(part):
        if pieces[-1] and lettering.width(pieces[-1] + cluster) > width:
            pieces.append("")
        pieces[-1] += cluster
    return pieces


def breakable_parts(word: str) -> list[str]:
    """Return the parts of a word without blanks between which a line may break."""
    if word.isascii():
        return [word]
    parts = [""]
    for cluster in clusters(word):
        if parts[-1] and _may_break(parts[-1][-1], cluster[0]):
            parts.append("")
        parts[-1] += cluster
    return parts


def _may_break(before: str, after: str) -> bool:
    if after in _SYLLABLE_STARTS:
        return before not in _SYLLABLE_STARTS and before not in _NEVER_LAST
    wide = _is_ideographic(before) or _is_ideographic(after)
    return wide and after not in _NEVER_FIRST and before not in _NEVER_LAST


def _is_ideographic(letter: str) -> bool:
    """Return whether *letter* is of a script without blanks between words; Korean has them."""
    hangul = "\u1100" <= letter <= "\u11ff" or "\u3130" <= letter <= "\u318f" or "\uac00" <= letter <= "\ud7af"
    return east_asian_width(letter) in "WF" and not hangul
