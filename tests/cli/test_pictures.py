"""Pictures and fonts that go in: decoded before anything is spent, upright and in RGB for every maker of pictures."""

import io
import sqlite3
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from storyboard.fonts import BUILTIN
from tests.cli.test_media_lengths import run as run_counting_libraries
from tests.inside import errors, hasty
from tests.project import Project

ONE = "scenes:\n  - id: s\n    shots:\n      - {id: a, prompt: a river at night, seed: 3, first_frame: ref.png}\n"
WORDS = "scenes:\n  - id: s\n    shots:\n      - {id: a, card: {text: Evening, font: type.ttf}}\n"


@pytest.fixture(autouse=True, scope="module")
def _hasty() -> Iterator[None]:
    with hasty():
        yield


def scene(width: int = 256, height: int = 144) -> Image.Image:
    """A picture whose four corners differ, so that every turn of it shows; dark enough for any profile."""
    across, down = np.meshgrid(np.linspace(20, 200, width), np.linspace(30, 180, height))
    return Image.fromarray(np.dstack([across, down, (across + down) / 3]).astype(np.uint8))


def stored(picture: Image.Image, kind: str = "PNG", **how: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **how)
    return out.getvalue()


def bomb() -> bytes:
    """A PNG of 68 bytes that says that it has 3,600 million pixels."""
    data = bytearray(stored(Image.new("1", (8, 8))))
    data[16:24] = struct.pack(">II", 60_000, 60_000)
    data[29:33] = zlib.crc32(bytes(data[12:29])).to_bytes(4, "big")
    return bytes(data)


def animated(kind: str) -> bytes:
    first, second = scene(), scene().transpose(Image.Transpose.ROTATE_180)
    return stored(first, kind, save_all=True, append_images=[second, first])


def film(tmp_path: Path, picture: bytes, text: str = ONE) -> Project:
    project = Project(tmp_path / "film", text, inside=True)
    (project.folder / "ref.png").write_bytes(picture)
    return project


DAMAGED = {
    "cut-off PNG": stored(scene())[:-40],
    "half a JPEG": stored(scene(), "JPEG")[:2000],
    "JPEG without its end": stored(scene(), "JPEG")[:-2],
    "half a WebP": stored(scene(), "WEBP")[:-20],
    "60 bytes of a PNG": stored(scene())[:60],
    "60 bytes of a JPEG": stored(scene(), "JPEG")[:60],
    "60 bytes of a WebP": stored(scene(), "WEBP")[:60],
    "PNG with a changed byte": stored(scene())[:400] + bytes([stored(scene())[400] ^ 1]) + stored(scene())[401:],
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_damaged_picture_is_an_error_of_check_at_its_line(tmp_path: Path, damage: str) -> None:
    project = film(tmp_path, DAMAGED[damage])
    error = project.refused(3, "check")
    assert error["code"] == "bad-picture"
    assert error["place"]["line"] == 7
    assert "`ref.png` cannot be used: it is damaged" in error["message"]
    assert project.run("build").code == 3
    assert not (project.folder / ".storyboard").exists()


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_an_animated_picture_is_refused_by_check(tmp_path: Path, kind: str) -> None:
    assert "it is animated, 3 pictures" in film(tmp_path, animated(kind)).refused(3, "check")["message"]


def test_a_picture_of_a_few_bytes_and_billions_of_pixels_is_refused_by_check(tmp_path: Path) -> None:
    assert "more than 64 million pixels" in film(tmp_path, bomb()).refused(3, "check")["message"]


def test_a_sound_by_the_name_of_a_picture_is_refused_by_check(tmp_path: Path) -> None:
    message = film(tmp_path, b"RIFF\x24\0\0\0WAVEfmt " + bytes(40)).refused(3, "check")["message"]
    assert "it is not a PNG, JPEG or WebP picture" in message


def test_a_still_and_a_last_frame_are_decoded_by_check_too(tmp_path: Path) -> None:
    text = ONE.replace("first_frame", "last_frame") + "      - {id: b, image: ref.png}\n"
    project = film(tmp_path, stored(scene())[:-40], text)
    ran = project.run("check", "--json")
    lines = [error["place"]["line"] for error in errors(ran) if error["code"] == "bad-picture"]
    assert lines == [7, 8]


def test_the_second_picture_of_a_phone_is_no_animation(tmp_path: Path) -> None:
    """Phones put a preview or a depth map behind the picture, in one JPEG (MPO)."""
    out = stored(scene(), "MPO", save_all=True, append_images=[scene(64, 36)])
    assert film(tmp_path, out).run("check").code == 0


def facts(project: Project) -> dict[str, str]:
    with sqlite3.connect(project.folder / ".storyboard/index.sqlite") as base:
        found = dict(base.execute("SELECT kind, length FROM lengths"))
    base.close()
    return found


def test_a_check_of_unchanged_pictures_and_fonts_loads_no_pillow(tmp_path: Path) -> None:
    text = ONE + "      - {id: b, image: ref.png}\n      - {id: c, card: {text: Evening, font: type.ttf}}\n"
    project = film(tmp_path, stored(scene()), text.replace("font: type.ttf", "duration: 1"))
    (project.folder / ".storyboard").mkdir()
    code, libraries, _ = run_counting_libraries(project, "check")
    assert (code, "PIL" in libraries) == (0, True)
    assert list(facts(project)) == ["picture 1.1"]
    assert run_counting_libraries(project, "check")[:2] == (0, set())
    (project.folder / "ref.png").write_bytes(stored(scene())[:-40])
    assert run_counting_libraries(project, "check")[0] == 3
    assert run_counting_libraries(project, "check")[:2] == (3, set()), "a damaged one is remembered as well"


def test_a_picture_without_a_place_to_remember_it_is_decoded_and_nothing_is_written(tmp_path: Path) -> None:
    project = film(tmp_path, stored(scene()))
    assert project.run("check").code == 0
    assert sorted(path.name for path in project.folder.iterdir()) == ["ref.png", "storyboard.yaml"]


def broken_font(share: float) -> bytes:
    """The built-in font without the outlines behind that share of them."""
    data = bytearray(BUILTIN.read_bytes())
    for entry in range(struct.unpack(">H", data[4:6])[0]):
        tag, _, at, length = struct.unpack_from(">4sLLL", data, 12 + 16 * entry)
        if tag == b"glyf":
            begin = at + int(length * share)
            data[begin : at + length] = b"\x55" * (at + length - begin)
    return bytes(data)


@pytest.mark.parametrize("font", [BUILTIN.read_bytes()[:300_000], broken_font(0)], ids=["cut off", "invalid outlines"])
def test_a_damaged_font_is_an_error_of_check_at_its_line(tmp_path: Path, font: bytes) -> None:
    project = Project(tmp_path / "film", WORDS, inside=True)
    (project.folder / "type.ttf").write_bytes(font)
    error = project.refused(3, "check")
    assert (error["code"], error["place"]["line"]) == ("bad-font", 7)
    assert error["message"].startswith("`type.ttf` cannot be used: it is")


def test_a_font_that_is_damaged_at_the_letters_in_use_is_an_error_of_check(tmp_path: Path) -> None:
    project = Project(tmp_path / "film", WORDS.replace("Evening", "→ ★"), inside=True)
    (project.folder / "type.ttf").write_bytes(broken_font(0.5))
    error = project.refused(3, "check")
    assert (error["code"], error["place"]["line"]) == ("bad-font", 7)
    assert "`type.ttf` cannot be used for this text: it is damaged" in error["message"]
