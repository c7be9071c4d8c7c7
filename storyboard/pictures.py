"""Pictures that go into a film: decoded once, and converted to upright 8-bit RGB where they are something else.

The one place that decodes pictures of a project. It opens no file: callers pass bytes.

A provider gets a picture as it lies on the disk, unless a plain decoder would show it otherwise than it is meant, or
would find no three channels of eight bits:

    in the file                                            what is sent
    -----------------------------------------------------  ---------------------------------------------------------
    EXIF orientation 2 to 8                                turned upright
    CMYK                                                   RGB, by the embedded profile if there is one
    16 bits a channel                                      the upper eight bits of each
    palette; grey; alpha or a transparent colour           RGB; on black where it is transparent
    an embedded ICC profile that differs from sRGB         converted to sRGB; a profile that is sRGB changes nothing
    several pictures (animated PNG or WebP)                refused

A converted picture is written as PNG, or above ``MOST_LOSSLESS`` pixels as JPEG of quality 95. Its bytes may differ
with the version of Pillow, so no key is made of them: a key names the original bytes and ``core.keys.CONVERTED``.
"""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from io import BytesIO
from typing import TYPE_CHECKING, Any, Literal, Protocol

import msgspec
from msgspec import Struct

if TYPE_CHECKING:
    from PIL import Image

MOST_PIXELS = 64_000_000
MOST_LOSSLESS = 6_000_000  # 18 MB at most as PNG: providers refuse pictures above 20 MB

Trait = Literal["turned", "cmyk", "16-bit", "palette", "grey", "alpha", "profile"]

_FORMATS = ("PNG", "JPEG", "WEBP")
_ORIENTATION = 0x0112
_PNG_DEPTH_AT = 24  # the depth in IHDR, the first chunk (PNG specification, 11.2.1)
_JPEG_QUALITY = 95
_LEAST_ROWS_WITH_BAR = 24
_PROFILE_STEPS = (0, 64, 128, 192, 255)
_PROFILE_TOLERANCE = 3  # of 255: sRGB profiles of several makers differ by 1, Display P3 and Adobe RGB by 20 and more
# Raised by Pillow for damaged files, in its headers, its decoders or its reader of EXIF.
_DAMAGE = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    LookupError,
    TypeError,
    ArithmeticError,
    struct.error,
    zlib.error,
)


class UnreadablePicture(Exception):
    """Bytes that cannot be used as a picture; ``reason`` is a clause such as ``it is animated``."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class PictureFacts(Struct, frozen=True, array_like=True):
    """Facts of one picture: its size in pixels, upright, and the traits for which it is converted, if any.

    ``problem`` is the reason why it cannot be used; the other facts are empty then.
    """

    width: int = 0
    height: int = 0
    traits: tuple[Trait, ...] = ()
    problem: str = ""


class FactMemory(Protocol):
    """A disposable memory of facts about contents, by their digest."""

    def find_fact(self, digest: str, subject: str) -> str | None:
        """Return the fact about *subject* of the content with that *digest*, if it is remembered."""

    def add_fact(self, digest: str, subject: str, fact: str) -> None:
        """Remember a fact."""


# Raise the number when `examine_picture` comes to another result.
_SUBJECT = "picture 1"
_MOST_KNOWN = 4096
# One command needs them twice: the check of the storyboard, and the plan, which may not write the memory.
_known: dict[str, PictureFacts] = {}


def picture_facts(memory: FactMemory | None, digest: str, read: Callable[[], bytes]) -> PictureFacts:
    """Return the facts of the picture with that *digest*; *read* returns its bytes where nothing remembers them."""
    found = _decode_facts(memory.find_fact(digest, _SUBJECT)) if memory is not None else None
    if found is not None:
        return found
    found = _known.get(digest)
    if found is None:
        data = read()
        found = examine_picture(data)
        if sha256(data).hexdigest() != digest:  # changed since it was hashed
            return found
        if len(_known) < _MOST_KNOWN:
            _known[digest] = found
    if memory is not None:
        memory.add_fact(digest, _SUBJECT, msgspec.json.encode(found).decode())
    return found


def _decode_facts(text: str | None) -> PictureFacts | None:
    try:
        return msgspec.json.decode(text, type=PictureFacts) if text is not None else None
    except msgspec.DecodeError:
        return None


def examine_picture(data: bytes) -> PictureFacts:
    """Decode a picture and return its facts."""
    try:
        with _without_warnings():
            opened = _open(data)
            traits, turned = _traits(opened, data), _orientation(opened) >= 5
            width, height = opened.size
    except UnreadablePicture as problem:
        return PictureFacts(problem=problem.reason)
    return PictureFacts(height, width, traits) if turned else PictureFacts(width, height, traits)


def read_upright(data: bytes, *, by_profile: bool = True) -> Image.Image:
    """Return a picture upright, as RGB in sRGB, on black where it is transparent. Raises ``UnreadablePicture``.

    Without *by_profile* an embedded profile of its colours is ignored.
    """
    with _without_warnings():
        opened = _open(data)
        try:
            return _read_upright(opened, by_profile=by_profile)
        except _DAMAGE as problem:
            raise UnreadablePicture(_damage_text(problem)) from problem


def _read_upright(opened: Image.Image, *, by_profile: bool) -> Image.Image:
    from PIL import Image

    plain = _eight_bits(_turn(opened))
    opacity = plain.convert("RGBA").getchannel("A") if _has_alpha(plain) else None
    colors = _in_srgb(plain, opened.info.get("icc_profile")) if by_profile else plain.convert("RGB")
    if opacity is None:
        return colors
    ground = Image.new("RGB", colors.size)
    ground.paste(colors, (0, 0), opacity)
    return ground


def convert_picture(data: bytes) -> bytes:
    """Return a picture as a file of upright 8-bit RGB without EXIF and profile. Raises ``UnreadablePicture``."""
    picture, out = read_upright(data), BytesIO()
    picture.info.clear()  # Pillow writes a profile and EXIF that it finds there
    if picture.width * picture.height > MOST_LOSSLESS:
        picture.save(out, "JPEG", quality=_JPEG_QUALITY, subsampling=0)
    else:
        picture.save(out, "PNG")
    return out.getvalue()


def crop_bar(frame: bytes) -> bytes:
    """Return a frame of an animatic of drawing version 1 or 2, the bytes of a PNG, without the slate bar at its foot.

    It keeps the shape that it had with the bar: the sides are cropped equally, and no pixel is scaled.
    """
    from PIL import Image

    with Image.open(BytesIO(frame), formats=("PNG",)) as opened:
        picture = opened.convert("RGB")
    height = picture.height - _bar_height(picture.width, picture.height)
    width = round(picture.width * height / picture.height)
    left, out = (picture.width - width) // 2, BytesIO()
    picture.crop((left, 0, left + width, height)).save(out, "PNG")
    return out.getvalue()


def _bar_height(width: int, height: int) -> int:
    """Return the rows of the bar in a picture of that size; 0 if it was too low for one."""
    if height < _LEAST_ROWS_WITH_BAR:
        return 0
    share = 0.1 if width >= 1.2 * height else 0.086
    return max(2, round(height * share / 2) * 2)


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Silence Pillow's warnings: of large pictures, since ``MOST_PIXELS`` is lower, and of damaged EXIF."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _open(data: bytes) -> Image.Image:
    """Return the decoded picture, as it is in the file. Raises ``UnreadablePicture``."""
    from PIL import Image, UnidentifiedImageError

    try:
        opened: Image.Image = Image.open(BytesIO(data), formats=_FORMATS)
        if opened.width * opened.height > MOST_PIXELS:
            raise UnreadablePicture(_size_text(opened.size))
        frames = getattr(opened, "n_frames", 1)
        # a JPEG of a phone may hold further pictures (MPO), of which no decoder shows but the first
        if opened.format in ("PNG", "WEBP") and frames > 1:
            raise UnreadablePicture(f"it is animated, {frames} pictures; save one of them as a file")
        if opened.format == "PNG":
            Image.open(BytesIO(data), formats=_FORMATS).verify()  # checksums, which decoding does not compare
        opened.load()
    except Image.DecompressionBombError as problem:
        raise UnreadablePicture(f"it has more than {MOST_PIXELS // 1_000_000} million pixels") from problem
    except UnidentifiedImageError as problem:
        raise UnreadablePicture("it is damaged, or not PNG, JPEG or WebP") from problem
    except _DAMAGE as problem:
        raise UnreadablePicture(_damage_text(problem)) from problem
    return opened


def _size_text(size: tuple[int, int]) -> str:
    return f"it is {size[0]}x{size[1]}, more than {MOST_PIXELS // 1_000_000} million pixels"


def _damage_text(problem: BaseException) -> str:
    found = " ".join(str(problem).split())
    return f"it is damaged or cut off: {found}" if found else "it is damaged or cut off"


def _traits(opened: Image.Image, data: bytes) -> tuple[Trait, ...]:
    deep = opened.mode.startswith("I") or (opened.format == "PNG" and data[_PNG_DEPTH_AT] == 16)
    there: dict[Trait, bool] = {
        "turned": _orientation(opened) != 1,
        "cmyk": opened.mode == "CMYK",
        "16-bit": deep,
        "palette": opened.mode in ("P", "PA"),
        "grey": opened.mode in ("1", "L", "LA") or opened.mode.startswith("I"),
        "alpha": _has_alpha(opened),
        "profile": _profile_counts(opened),
    }
    return tuple(trait for trait, found in there.items() if found)


def _orientation(picture: Image.Image) -> int:
    """Return the EXIF orientation, 1 where it is missing, unreadable or none of 1 to 8."""
    try:
        found: Any = picture.getexif().get(_ORIENTATION, 1)
    except _DAMAGE:
        return 1
    return found if isinstance(found, int) and 1 <= found <= 8 else 1


def _turn(picture: Image.Image) -> Image.Image:
    from PIL.Image import Transpose

    turns = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }
    turn = turns.get(_orientation(picture))
    return picture if turn is None else picture.transpose(turn)


def _eight_bits(picture: Image.Image) -> Image.Image:
    """Return a picture of 16 bits with the upper eight; Pillow's own conversion would keep the lower ones."""
    if not picture.mode.startswith("I"):
        return picture
    import numpy as np
    from PIL import Image

    return Image.fromarray((np.asarray(picture) >> 8).clip(0, 255).astype(np.uint8))


def _has_alpha(picture: Image.Image) -> bool:
    return "A" in picture.getbands() or "transparency" in picture.info


def _profile_counts(opened: Image.Image) -> bool:
    """Return whether an embedded profile gives RGB other colours than sRGB has."""
    profile = opened.info.get("icc_profile")
    if not profile or opened.mode not in ("RGB", "RGBA", "P"):
        return False
    import numpy as np
    from PIL import Image

    steps = np.array(_PROFILE_STEPS, np.uint8)
    sample = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(len(steps), -1, 3)
    seen = np.asarray(_in_srgb(Image.fromarray(sample), profile), np.int16)
    return int(np.abs(seen - sample).max()) > _PROFILE_TOLERANCE


def _in_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """Return *picture* as RGB, converted by its profile; without a usable one it counts as sRGB."""
    if not profile:
        return picture.convert("RGB")
    from PIL import ImageCms

    colors = picture if picture.mode in ("RGB", "CMYK", "L") else picture.convert("RGB")
    try:
        own, srgb = ImageCms.ImageCmsProfile(BytesIO(profile)), ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(colors, own, srgb, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):  # broken, or for pictures of another kind
        converted = None
    return picture.convert("RGB") if converted is None else converted
