"""Fonts of this machine: which of them has the letters that another font lacks.

Looked for in the package of the extra ``cjk``, then in the folders of fontconfig and the usual ones of Linux, macOS and
Windows; ``STORYBOARD_FONTS`` names other folders in their place. Only the tables at the start of a font are read for
the index, and a folder is read again only when it has changed. A font is used after it has drawn the letters.
"""

import os
import re
import stat
import struct
import sysconfig
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

import msgspec
from msgspec import Struct

from storyboard.fonts import UnreadableFont, missing_letters
from storyboard.operating_system import font_folders, open_carefully, read_at

FOLDERS = "STORYBOARD_FONTS"
EXTRA = "noto_cjk_sans_otc"

_SUFFIXES = (".otf", ".otc", ".ttc", ".ttf")
_SUBJECT = "faces 1"  # raise the number when the index of an unchanged folder comes to other faces
_MOST_FOLDERS, _MOST_FILES, _MOST_DEPTH = 2_000, 20_000, 8
_MOST_FACES, _MOST_TABLES, _MOST_BYTES = 64, 128, 4_000_000
_MOST_TRIED = 24
_RACY_NS = 2_000_000_000
_PAGE = 8  # bits: letters are known in pages of 256
_DIRECTORY = re.compile(r'<dir(?:\s+prefix="(\w+)")?[^>]*>([^<]+)</dir>')
# Bits of `ulCodePageRange1` and `fsSelection` in the table OS/2 (OpenType specification).
_CODE_PAGES = {"JP": 1 << 17, "SC": 1 << 18, "KR": 1 << 19, "TC": 1 << 20, "HK": 1 << 20}
_ITALIC = 1 | 1 << 9
_REGION = re.compile(r"\b(JP|KR|SC|TC|HK)\b")
_UNLIKE = re.compile(r"last ?resort|blank|emoji|barcode|symbol|icon", re.IGNORECASE)
_OTHER_STYLE = re.compile(r"mono|serif|mincho|myungjo|song|ming|kai|gothic ui|unifont|script|display", re.IGNORECASE)
_PREFERRED = re.compile(r"noto sans|source han sans", re.IGNORECASE)
_PHONETIC = re.compile("[\u3041-\u30ff\u1100-\u11ff\uac00-\ud7a3]")  # kana and hangul
_LANGUAGES = {"jpn": "JP", "ja": "JP", "kor": "KR", "ko": "KR", "zho": "SC", "chi": "SC", "zh": "SC", "yue": "HK"}


class FontMemory(Protocol):
    """A disposable memory of texts by a digest and a subject."""

    def find_fact(self, digest: str, kind: str) -> str | None:
        """Return the text, if it is remembered."""

    def add_fact(self, digest: str, kind: str, fact: str) -> None:
        """Remember a text."""


class Face(Struct, frozen=True, array_like=True):
    """A face in a font file; *index* is its number in a collection.

    *pages* has a bit, in hex, for each 256 code points of which the face has some; *code_pages* are those of the table
    OS/2.
    """

    file: str
    index: int
    family: str
    pages: str
    code_pages: int
    weight: int
    slanted: bool
    variable: bool

    def may_have(self, letter: str) -> bool:
        """Return whether the face has some letters next to *letter*."""
        return bool(int(self.pages, 16) >> (ord(letter) >> _PAGE) & 1)


class FolderLook(Struct, frozen=True):
    """A folder as it was when it was read: its stat result and the names in it."""

    stat: os.stat_result
    names: tuple[str, ...]


class InstalledFonts:
    """The fonts of this machine, looked for on the first use.

    ``folders`` are the folders that were read so far, ``absent`` those that would have been read: with them a caller
    can tell whether another answer is possible.
    """

    def __init__(self, memory: FontMemory | None = None, environment: Mapping[str, str] = os.environ) -> None:
        self._memory = memory
        self._environment = environment
        self._answers: dict[tuple[str, str], tuple[tuple[Face, ...], str]] = {}
        self._faces: list[list[Face]] = []
        self._tiers = iter(self._places())
        self.folders: dict[str, FolderLook] = {}
        self.absent: set[str] = set()

    def find(self, letters: str, language: str | None = None) -> tuple[tuple[Face, ...], str]:
        """Return the faces that draw *letters* together, the first for the first letter, and the letters of no face.

        *language* (ISO 639) decides between the forms of Chinese characters where the letters leave it open.
        """
        region = writing_region(letters, language)
        found = self._answers.get((letters, region))
        if found is None:
            found = self._answers[letters, region] = self._search(letters, region)
        return found

    def _search(self, letters: str, region: str) -> tuple[tuple[Face, ...], str]:
        used: list[Face] = []
        left, tier = letters, 0
        while left and self._has_tier(tier):
            ranked = sorted(self._faces[tier], key=lambda face: _rank(face, region))
            hopeless = ""
            while left:
                fitting = [face for face in ranked if face not in used and face.may_have(left[0])]
                for face in fitting[:_MOST_TRIED]:
                    lacking = _lacking(face, left)
                    if left[0] not in lacking:
                        used.append(face)
                        left = lacking
                        break
                else:
                    hopeless, left = hopeless + left[0], left[1:]
            left, tier = hopeless, tier + 1
        return tuple(used), left

    def _has_tier(self, number: int) -> bool:
        """Return whether there is such a tier; its folders are read now."""
        while len(self._faces) <= number:
            folders = next(self._tiers, None)
            if folders is None:
                return False
            self._faces.append([face for folder in folders for face in self._read_tree(folder)])
        return True

    def _places(self) -> Iterator[list[str]]:
        """Yield folders in the order in which they count: those of a tier are equal."""
        named = self._environment.get(FOLDERS)
        if named is not None:
            yield from ([os.path.abspath(folder)] for folder in named.split(os.pathsep) if folder)
            return
        extra = extra_folder()
        if extra is None:
            self.absent.add(os.path.join(sysconfig.get_path("purelib"), EXTRA))
        yield [extra] if extra is not None else []
        yield list(system_folders(self._environment))

    def _read_tree(self, top: str) -> Iterator[Face]:
        seen: set[tuple[int, int]] = set()
        waiting = [(os.path.realpath(top), 0)]
        files = 0
        while waiting and len(seen) < _MOST_FOLDERS and files < _MOST_FILES:
            folder, depth = waiting.pop()
            try:
                looks = os.stat(folder)
                entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
            except OSError:
                self.absent.add(folder)
                continue
            if (looks.st_dev, looks.st_ino) in seen or folder in self.folders:
                continue
            seen.add((looks.st_dev, looks.st_ino))
            self.folders[folder] = FolderLook(looks, tuple(entry.name for entry in entries))
            below, names = [], []
            for entry in entries:
                with suppress(OSError):
                    if entry.name.lower().endswith(_SUFFIXES):
                        names.append(entry.name)
                    elif entry.is_dir() and depth < _MOST_DEPTH:
                        below.append((os.path.realpath(entry.path), depth + 1))
            files += len(names)
            waiting += reversed(below)
            yield from self._read_folder(folder, looks, names)

    def _read_folder(self, folder: str, looks: os.stat_result, names: Sequence[str]) -> Sequence[Face]:
        if not names:
            return ()
        state = f"{looks.st_dev} {looks.st_ino} {looks.st_mtime_ns} {looks.st_ctime_ns}"
        key = sha256("\0".join((folder, state, *names)).encode("utf-8", "surrogateescape")).hexdigest()
        known = self._memory.find_fact(key, _SUBJECT) if self._memory is not None else None
        if known is not None:
            with suppress(msgspec.DecodeError):
                return msgspec.json.decode(known, type=list[Face])
        faces = [face for name in names for face in read_faces(os.path.join(folder, name))]
        if self._memory is not None and time.time_ns() - max(looks.st_mtime_ns, looks.st_ctime_ns) > _RACY_NS:
            with suppress(UnicodeEncodeError):  # a path that is no text is read again each time
                self._memory.add_fact(key, _SUBJECT, msgspec.json.encode(faces).decode())
        return faces


def extra_folder() -> str | None:
    """Return the folder of the package that the extra ``cjk`` installs, ``None`` if it is not installed."""
    with suppress(ImportError, ValueError):
        found = find_spec(EXTRA)
        if found is not None and found.origin is not None:
            return os.path.dirname(found.origin)
    return None


def system_folders(environment: Mapping[str, str]) -> Iterator[str]:
    """Yield the folders in which systems keep fonts, and those that fontconfig reads, each once."""
    home = os.path.expanduser("~")
    data = environment.get("XDG_DATA_HOME") or f"{home}/.local/share"
    found = [*_configured_folders(environment, data), *font_folders(environment, home, data)]
    yield from dict.fromkeys(map(os.path.abspath, found))


def _configured_folders(environment: Mapping[str, str], data: str) -> Iterator[str]:
    """Yield the folders that the file of fontconfig names; those of files that it includes are not read."""
    file = environment.get("FONTCONFIG_FILE") or "/etc/fonts/fonts.conf"
    content = _read_file(file, _MOST_BYTES) or b""
    for prefix, folder in _DIRECTORY.findall(content.decode("utf-8", "replace")):
        folder = folder.strip()
        if prefix == "xdg":
            yield os.path.join(data, folder)
        elif folder.startswith(("/", "~")):
            yield os.path.expanduser(folder)


def writing_region(letters: str, language: str | None = None) -> str:
    """Return whose forms of Chinese characters *letters* are written with: JP, KR, SC, TC or HK.

    Kana and hangul decide, then *language* (ISO 639), then whose standard character set has all letters.
    """
    spoken = spoken_language([letters])
    given = _LANGUAGES.get(spoken or (language or "").partition("-")[0].lower())
    if given is not None and given != "SC":
        return given
    if _fits(letters, "gb2312"):
        return "SC"
    return "TC" if _fits(letters, "big5") else given or ("JP" if _fits(letters, "euc_jp") else "SC")


def spoken_language(texts: Iterable[str]) -> str | None:
    """Return ``ja`` if kana come first in *texts*, ``ko`` if hangul does, ``None`` without both."""
    for text in texts:
        found = None if text.isascii() else _PHONETIC.search(text)
        if found is not None:
            return "ja" if "\u3041" <= found.group() <= "\u30ff" else "ko"
    return None


def _fits(letters: str, character_set: str) -> bool:
    try:
        "".join(letter for letter in letters if letter >= "\u2e80").encode(character_set)
    except UnicodeEncodeError:
        return False
    return True


def _rank(face: Face, region: str) -> tuple[object, ...]:
    """Return how a face compares with others, the best first: a plain upright sans of the region."""
    own = _REGION.search(face.family)
    fits = own.group() == region if own is not None else bool(face.code_pages & _CODE_PAGES[region])
    return (
        not fits,
        _OTHER_STYLE.search(face.family) is not None,
        _PREFERRED.search(face.family) is None,
        abs(face.weight - 400),
        face.slanted,
        face.variable,
        os.path.basename(face.file),
        face.index,
        face.file,
    )


def _lacking(face: Face, letters: str) -> str:
    """Return the letters that *face* does not draw."""
    try:
        if not stat.S_ISREG(os.stat(face.file).st_mode):
            return letters
        return missing_letters(letters, Path(face.file), face.index)
    except (UnreadableFont, OSError):
        return letters


def read_faces(file: str) -> Sequence[Face]:
    """Return the faces in a font file that draw outlines; none for a file that is no readable font."""
    try:
        descriptor = open_carefully(file, follow=True)
    except OSError:
        return ()
    try:
        looks = os.fstat(descriptor)
        if not stat.S_ISREG(looks.st_mode):
            return ()
        head = read_at(descriptor, 12, 0)
        offsets = [0]
        if head[:4] == b"ttcf":
            count = min(_MOST_FACES, struct.unpack(">I", head[8:12])[0])
            offsets = list(struct.unpack(f">{count}I", read_at(descriptor, 4 * count, 12)))
        found = (_read_face(descriptor, file, index, offset) for index, offset in enumerate(offsets))
        return [face for face in found if face is not None]
    except (OSError, struct.error, ValueError, OverflowError):
        return ()
    finally:
        os.close(descriptor)


def _read_face(descriptor: int, file: str, index: int, offset: int) -> Face | None:
    tables = _read_directory(descriptor, offset)
    if not tables.keys() & {b"glyf", b"CFF ", b"CFF2"} or tables.keys() & {b"CBDT", b"sbix", b"COLR"}:
        return None  # without outlines, or with coloured pictures beside them
    pages = _read_pages(_read_table(descriptor, tables.get(b"cmap")))
    family = _read_family(_read_table(descriptor, tables.get(b"name"))) or os.path.basename(file)
    if not pages or _UNLIKE.search(family) is not None:
        return None
    style = _read_table(descriptor, tables.get(b"OS/2"))
    weight = struct.unpack_from(">H", style, 4)[0] if len(style) >= 6 else 400
    slant = struct.unpack_from(">H", style, 62)[0] if len(style) >= 64 else 0
    code_pages = struct.unpack_from(">I", style, 78)[0] if len(style) >= 82 else 0
    return Face(file, index, family, f"{pages:x}", code_pages, weight, bool(slant & _ITALIC), b"fvar" in tables)


def _read_directory(descriptor: int, offset: int) -> dict[bytes, tuple[int, int]]:
    """Return offset and length of each table of a face."""
    head = read_at(descriptor, 12, offset)
    count = min(_MOST_TABLES, struct.unpack_from(">H", head, 4)[0])
    rows = read_at(descriptor, 16 * count, offset + 12)
    return {tag: (start, length) for tag, _, start, length in struct.iter_unpack(">4sIII", rows)}


def _read_table(descriptor: int, place: tuple[int, int] | None) -> bytes:
    return read_at(descriptor, min(place[1], _MOST_BYTES), place[0]) if place is not None else b""


def _read_pages(table: bytes) -> int:
    """Return the pages of code points that a table ``cmap`` has, by its subtables of the formats 4 and 12."""
    pages = 0
    if len(table) < 4:
        return 0
    for number in range(min(_MOST_TABLES, struct.unpack_from(">H", table, 2)[0])):
        platform, encoding, at = struct.unpack_from(">HHI", table, 4 + 8 * number)
        if (platform, encoding) not in ((0, 3), (0, 4), (0, 6), (3, 1), (3, 10)):
            continue
        kind = struct.unpack_from(">H", table, at)[0]
        for first, last in _spans_4(table, at) if kind == 4 else _spans_12(table, at) if kind == 12 else ():
            low, high = first >> _PAGE, min(last, 0x10FFFF) >> _PAGE
            if low <= high:
                pages |= ((1 << (high - low + 1)) - 1) << low
    return pages


def _spans_4(table: bytes, at: int) -> Iterator[tuple[int, int]]:
    count = struct.unpack_from(">H", table, at + 6)[0] // 2
    ends = struct.unpack_from(f">{count}H", table, at + 14)
    starts = struct.unpack_from(f">{count}H", table, at + 16 + 2 * count)
    return ((start, end) for start, end in zip(starts, ends, strict=True) if start != 0xFFFF)


def _spans_12(table: bytes, at: int) -> Iterator[tuple[int, int]]:
    count = min(struct.unpack_from(">I", table, at + 12)[0], (len(table) - at - 16) // 12)
    rows = struct.iter_unpack(">III", table[at + 16 : at + 16 + 12 * count])
    return ((start, end) for start, end, _ in rows)


def _read_family(table: bytes) -> str:
    """Return the name of the family in a table ``name``, in English or the first language."""
    if len(table) < 6:
        return ""
    count, texts = struct.unpack_from(">HH", table, 2)
    found: dict[tuple[bool, int], str] = {}
    for row in range(min(count, 1024)):
        platform, _, language, name, length, offset = struct.unpack_from(">6H", table, 6 + 12 * row)
        if platform == 3 and name in (1, 16):
            text = table[texts + offset : texts + offset + length].decode("utf-16-be", "replace")
            found.setdefault((language != 0x409, name), text)
    return found[min(found)] if found else ""


def _read_file(path: str, most: int) -> bytes | None:
    try:
        descriptor = open_carefully(path, follow=True)
    except OSError:
        return None
    try:
        return read_at(descriptor, most, 0) if stat.S_ISREG(os.fstat(descriptor).st_mode) else None
    except OSError:
        return None
    finally:
        os.close(descriptor)
