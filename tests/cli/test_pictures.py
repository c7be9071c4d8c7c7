"""Pictures and fonts that go in: decoded before anything is spent, upright and in RGB for every maker of pictures."""

import base64
import io
import json
import sqlite3
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from storyboard.core.model import Size
from storyboard.core.render_spec import Photo
from storyboard.fonts import BUILTIN
from storyboard.media.render.segment import MovingStill
from storyboard.pictures import convert_picture
from tests import written
from tests.cli.test_media_lengths import run as run_counting_libraries
from tests.inside import errors, hasty
from tests.media.test_segment import linear_profile
from tests.project import Project, decoded_pictures
from tests.runware_server.server import RunwareServer
from tests.shops import shop

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
    assert error["place"]["line"] == 8
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
    assert lines == [8, 9]


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
    assert list(facts(project)) == ["picture 1"]
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
    assert (error["code"], error["place"]["line"]) == ("bad-font", 8)
    assert error["message"].startswith("`type.ttf` cannot be used: it is")


def test_a_font_that_is_damaged_at_the_letters_in_use_is_an_error_of_check(tmp_path: Path) -> None:
    project = Project(tmp_path / "film", WORDS.replace("Evening", "→ ★"), inside=True)
    (project.folder / "type.ttf").write_bytes(broken_font(0.5))
    error = project.refused(3, "check")
    assert (error["code"], error["place"]["line"]) == ("bad-font", 8)
    assert "`type.ttf` cannot be used for this text: it is damaged" in error["message"]


# What is sent

ORIENTATION = 0x0112
UNTURNED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
GREY = scene().convert("L")
OPACITY = Image.linear_gradient("L").resize((256, 144))


def turned(orientation: int) -> bytes:
    """The scene as a camera writes it that is held another way."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return stored(scene().transpose(UNTURNED[orientation]), "JPEG", exif=exif, quality=97, subsampling=0)


def deep() -> bytes:
    """The scene as PNG of 16 bits a channel, which Pillow reads and does not write."""
    rows = (np.asarray(scene()).astype(">u2") * 257).reshape(144, -1)
    lines = b"".join(b"\0" + row.tobytes() for row in rows)
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", 256, 144, 16, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(lines)),
        (b"IEND", b""),
    )
    parts = [
        struct.pack(">I", len(data)) + kind + data + zlib.crc32(kind + data).to_bytes(4, "big") for kind, data in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def see_through() -> Image.Image:
    picture = scene().convert("RGBA")
    picture.putalpha(OPACITY)
    return picture


def _srgb(linear: float) -> float:
    """The curve of sRGB (IEC 61966-2-1)."""
    return 12.92 * linear if linear <= 0.0031308 else 1.055 * linear ** (1 / 2.4) - 0.055


# The file, the picture that has to be sent, and by how much of 255 a lossy file or a profile may be off.
Kind = tuple[bytes, Image.Image, int]
KINDS: dict[str, Kind] = {f"orientation {number}": (turned(number), scene(), 6) for number in UNTURNED} | {
    "cmyk": (stored(scene().convert("CMYK"), "JPEG", quality=97), scene(), 8),
    "16-bit": (deep(), scene(), 0),
    "16-bit grey": (stored(Image.fromarray(np.asarray(GREY).astype(np.uint16) * 257)), GREY.convert("RGB"), 0),
    "palette": (stored(scene().quantize(64)), scene().quantize(64).convert("RGB"), 0),
    "grey": (stored(GREY, "JPEG", quality=97), GREY.convert("RGB"), 4),
    "alpha": (stored(see_through()), Image.composite(scene(), Image.new("RGB", (256, 144)), OPACITY), 1),
    "alpha WebP": (
        stored(see_through(), "WEBP", lossless=True),
        Image.composite(scene(), Image.new("RGB", (256, 144)), OPACITY),
        1,
    ),
    "profile": (stored(scene(), icc_profile=linear_profile()), scene().point(lambda v: round(255 * _srgb(v / 255))), 3),
}
SHAPES = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}


def sent(server: RunwareServer) -> dict[str, bytes]:
    """The first picture of each task by its prompt."""
    tasks = [task for logged in server.seen("videoInference") for task in json.loads(logged.body)]
    return {
        task["positivePrompt"]: base64.b64decode(task["inputs"]["frameImages"][0]["image"].partition(",")[2])
        for task in tasks
        if "inputs" in task
    }


def gallery(folder: Path, server: RunwareServer | None) -> Project:
    """A film of one shot for each kind of picture, whose prompt is the kind."""
    shots = [
        f"      - {{id: s{number}, prompt: {kind}, first_frame: refs/{number}}}" for number, kind in enumerate(KINDS)
    ]
    project = Project(folder, "scenes:\n  - id: s\n    shots:\n" + "\n".join(shots) + "\n", server=server, inside=True)
    (folder / "refs").mkdir()
    for number, (data, _, _) in enumerate(KINDS.values()):
        (folder / f"refs/{number}").write_bytes(data)
    return project


def off(picture: Any, other: Any) -> int:
    return int(np.abs(np.asarray(picture, np.int16) - np.asarray(other, np.int16)).max())


def test_what_is_not_upright_rgb_is_sent_upright_and_in_rgb_to_drafts_stills_and_paid_shots(tmp_path: Path) -> None:
    with shop() as server:
        gallery(tmp_path / "paid", server).build()
        bought = sent(server)
    draft = gallery(tmp_path / "draft", None)
    draft.build()
    locked = draft.lock()
    for number, (kind, (_, wanted, tolerance)) in enumerate(KINDS.items()):
        with Image.open(io.BytesIO(bought[kind])) as opened:
            assert (opened.format, opened.mode, opened.getexif(), opened.info.get("icc_profile")) == (
                "PNG",
                "RGB",
                {},
                None,
            )
            picture = opened.copy()
        assert off(picture, wanted) <= tolerance, kind
        still = MovingStill(Photo("d", "none", 0, 1, 1), draft.folder / f"refs/{number}", Size(256, 144))
        assert off(still.picture(0), picture) == 0, kind
        drawn = decoded_pictures(draft.blobs[locked[f"s{number}"]["local"]["take"]])[0]
        assert np.abs(drawn.astype(np.int16) - np.asarray(picture.resize((128, 72)), np.int16)).mean() < 4, kind


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_an_upright_picture_in_rgb_is_sent_byte_for_byte(tmp_path: Path, kind: str) -> None:
    from PIL import ImageCms

    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = stored(scene(), kind, icc_profile=srgb)
    with shop() as server:
        project = Project(tmp_path / "film", ONE, server=server, inside=True)
        (project.folder / "ref.png").write_bytes(data)
        project.build()
        assert sent(server) == {"a river at night": data}
    [record] = [
        path
        for path in (project.folder / ".storyboard/cache/records").rglob("*.json")
        if b'"clip"' in path.read_bytes()
    ]
    assert b'"first_frame":"file:' in record.read_bytes().replace(b" ", b"")


def test_a_large_photograph_that_lies_on_its_side_is_sent_small_enough_for_a_provider(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    noise = np.random.default_rng(1).integers(0, 256, (3024, 4032, 3), dtype=np.uint8)
    data = convert_picture(stored(Image.fromarray(noise), "JPEG", quality=60, exif=exif))
    with Image.open(io.BytesIO(data)) as opened:
        assert (opened.format, opened.size) == ("JPEG", (3024, 4032))
    assert len(data) < 20_000_000


# Takes of the time before


@pytest.fixture
def before(tmp_path: Path) -> Iterator[tuple[written.Written, RunwareServer]]:
    """A film whose takes were bought with a picture on its side, and with a slate in a linked frame."""
    with shop() as server:
        yield written.place("prepared", tmp_path / "film", server), server


def test_takes_bought_with_unturned_pictures_and_slates_are_kept_and_nothing_is_asked(
    before: tuple[written.Written, RunwareServer],
) -> None:
    film, server = before
    lock = film.lock()
    wanted = {"glide": ("held", "unprepared"), "city": ("held", "unprepared"), "drift": ("reuse", "unchanged")}
    assert wanted.items() <= film.decisions().items()
    assert "first_frame is now sent upright and in RGB; to make it again, use `--remake glide`" in film.run("plan").out
    film.build()
    assert server.requests == []
    now = film.lock()
    assert now.pop("draft") != lock.pop("draft"), "an animatic is drawn anew"
    assert now == lock
    assert film.run("check", "--locked").code == 0
    assert film.data("plan")["nothing_to_do"] is True
    assert film.decisions("--provider", "local")["glide"] == ("make", "new")


def test_a_remake_sends_the_turned_picture_and_the_frame_as_it_is_drawn_now(
    before: tuple[written.Written, RunwareServer],
) -> None:
    film, server = before
    film.build("--remake", "glide", "--remake", "city")
    found = {prompt: Image.open(io.BytesIO(data)) for prompt, data in sent(server).items()}
    assert {prompt: picture.size for prompt, picture in found.items()} == {
        "a river at night": (72, 128),
        "the city wakes": (128, 72),
        "a cloud": (128, 72),  # it starts from the city
    }
    assert film.data("plan")["nothing_to_do"] is True
    plan = film.plan()
    assert plan["glide"] == plan["city"] == "reuse: unchanged"
    assert plan["glide#4"].startswith("held: kept as it was made")


def test_a_job_that_was_submitted_with_an_unturned_picture_is_resumed(
    before: tuple[written.Written, RunwareServer],
) -> None:
    """The clone of a machine whose cache and lockfile are lost asks under the id of then, by its ledger."""
    import shutil

    film, server = before
    shutil.rmtree(film.folder / ".storyboard/cache")
    (film.folder / "storyboard.lock").unlink()
    ran = film.run("build", "-s", "glide", "--json")
    assert ran.code != 0
    assert server.bill == []
    assert "buy it again with `--remake glide`" in ran.out


def test_a_take_with_an_unturned_picture_can_be_accepted(before: tuple[written.Written, RunwareServer]) -> None:
    film, server = before
    assert "is accepted for the current request: first_frame" in film.run("accept", "glide").out
    assert film.plan()["glide"] == "reuse: unchanged; accepted for this request"
    assert server.requests == []


def test_a_fresh_take_gets_the_turned_picture_and_stands_beside_those_of_before(
    before: tuple[written.Written, RunwareServer],
) -> None:
    film, server = before
    assert film.run("take", "glide", "-n", "1", "--yes").code == 0
    assert [Image.open(io.BytesIO(data)).size for data in sent(server).values()] == [(72, 128)]
    assert "differs" not in film.said("takes", "glide")
    assert "not made yet" not in film.said("takes", "glide")
    [fresh] = [take["take"] for take in film.takes("glide") if take["seed"] not in (3, 4)]
    film.said("pick", "glide", fresh[:12])
    assert film.plan()["glide"] == "reuse: unchanged"
    film.said("pick", "glide", film.takes("glide")[0]["take"][:12])
    assert film.plan()["glide"].startswith("held: kept as it was made")
    assert len(server.bill) == 1


def test_a_lost_job_goes_on_when_another_library_writes_other_bytes_of_the_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from storyboard.engine import project_store

    def converted(data: bytes) -> bytes:
        return stored(Image.open(io.BytesIO(convert_picture(data))), compress_level=1)

    with shop() as server:
        project = Project(tmp_path / "film", ONE, server=server, inside=True)
        (project.folder / "ref.png").write_bytes(turned(6))
        server.arm("submit-reset-before-accept", nth=1, times=3)
        assert project.run("build").code == 1
        [job] = project.journal()
        monkeypatch.setattr(project_store, "convert_picture", converted)
        project.build()
        assert [line["task_id"] for line in server.bill] == [job.stem]


def test_git_tells_nothing_new_of_takes_with_unturned_pictures(
    before: tuple[written.Written, RunwareServer],
) -> None:
    film, server = before
    (film.folder / ".gitignore").write_text(".storyboard/\nout/\n")
    film.git("init", "-q")
    film.commit("a film")
    changed = film.data("diff")
    assert (changed["cost"], changed["changed"]) == ("0", []), changed
    assert "no take" not in film.run("log", "glide").out
    film.build()
    assert film.run("check", "--locked").code == 0
    assert server.requests == []


# Frames of animatics

DRAFTED = """\
scenes:
  - id: s
    shots:
      - {id: a, prompt: a river at night, seed: 3, provider: local}
      - {id: b, prompt: a forest, seed: 4, first_frame: {shot: a}}
      - {id: c, prompt: a city, seed: 5, first_frame: {shot: b}}
      - {id: d, prompt: a hill, seed: 6, provider: local, first_frame: {shot: a}}
      - {id: e, prompt: a barn, seed: 7, first_frame: {shot: d, at: first}}
      - {id: f, prompt: a gate, seed: 8, provider: local, params: {slate: false}}
      - {id: g, prompt: a road, seed: 9, first_frame: {shot: f}}
      - {id: h, prompt: a pond, seed: 10, provider: local, first_frame: ref.png}
      - {id: i, prompt: a moor, seed: 11, first_frame: {shot: h, at: first}}
"""


def test_a_frame_of_an_animatic_goes_to_a_paid_model_whole_and_without_a_slate(tmp_path: Path) -> None:
    with shop() as server:
        project = Project(tmp_path / "film", DRAFTED, server=server, inside=True)
        (project.folder / "ref.png").write_bytes(stored(scene(128, 72)))
        warned = [found for found in project.data("check")["findings"] if found["code"] == "animatic-frame"]
        assert [found["place"]["line"] for found in warned] == [9, 12, 14, 16]
        assert warned[0]["message"].startswith("`b` is bought for $0.12 and uses a frame of an animatic")
        project.build()
        pictures = {prompt: Image.open(io.BytesIO(data)).convert("RGB") for prompt, data in sent(server).items()}
        assert project.data("plan")["nothing_to_do"] is True
        locked = project.lock()
    assert {picture.size for picture in pictures.values()} == {(128, 72)}
    for shot, prompt in (("a", "a forest"), ("f", "a road")):
        drawn = decoded_pictures(project.blobs[locked[shot]["local"]["take"]])[-1]
        assert np.abs(drawn.astype(np.int16) - np.asarray(pictures[prompt], np.int16)).max() <= 2


def test_a_frame_loses_its_bar_and_nothing_else() -> None:
    from storyboard.pictures import crop_bar

    frame = scene(1280, 720)
    with Image.open(io.BytesIO(crop_bar(stored(frame)))) as opened:
        assert opened.size == (1152, 648)
        assert off(opened, frame.crop((64, 0, 1216, 648))) == 0


# Pictures behind addresses

ADDRESS = "https://example.org/a.png"
FETCHED = {
    "a sound": (b"RIFF\x24\0\0\0WAVEfmt " + bytes(40), "it is not a PNG, JPEG or WebP picture"),
    "a cut-off picture": (stored(scene())[:-40], "it is damaged or cut off"),
    "an animation": (animated("WEBP"), "it is animated"),
}


@pytest.mark.parametrize("what", FETCHED)
def test_what_is_no_picture_behind_an_address_stops_the_build_before_anything_is_bought(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    data, reason = FETCHED[what]
    serve(monkeypatch, data)
    with shop() as server:
        project = Project(tmp_path / "film", ONE.replace("ref.png", ADDRESS), server=server, inside=True)
        ran = project.run("build", "--json")
        assert ran.code == 1
        assert f"{ADDRESS}: {reason}" in errors(ran)[0]["message"]
        assert server.requests == []


def test_a_picture_behind_an_address_is_sent_upright(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    serve(monkeypatch, turned(8))
    with shop() as server:
        project = Project(tmp_path / "film", ONE.replace("ref.png", ADDRESS), server=server, inside=True)
        project.build()
        with Image.open(io.BytesIO(sent(server)["a river at night"])) as opened:
            assert off(opened, scene()) <= 6
        assert project.data("plan")["nothing_to_do"] is True
        project.data("cache", "gc")
        assert project.data("cache", "verify")["missing"] == []


def serve(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    """Let a download of ``ADDRESS`` bring *data*."""
    from storyboard.providers.download import Downloader

    real = Downloader.fetch

    async def fetch(self: Downloader, url: Any, out: Path) -> Any:
        return out.write_bytes(data) if url == ADDRESS else await real(self, url, out)

    monkeypatch.setattr(Downloader, "fetch", fetch)
