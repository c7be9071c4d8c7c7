"""A film states what it is made of: in a tag, in JSON, and as XMP in the words of IPTC for digital sources."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import av
import pytest

from storyboard.media.join import join as join_module
from storyboard.media.join.faststart import UnsupportedLayout
from tests.conftest import tool
from tests.inside import at_work
from tests.media.clips import ffmpeg
from tests.project import Project, decoded
from tests.runware_server.server import RunwareServer

IPTC = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}"
CV = "http://cv.iptc.org/newscodes/digitalsourcetype/"
XMP_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
A, B = "{id: a, prompt: a river, seed: 3}", "{id: b, prompt: a forest, seed: 4, provider: local}"
OWN, STILL, CARD = "{id: own, clip: own.mp4}", "{id: map, image: {file: map.png, duration: 1}}", "{id: end, card: End}"
FILMS = {
    "generated": ([A, CARD], ["generated"], "trainedAlgorithmicMedia"),
    "animatic": ([B, CARD], ["animatic"], "algorithmicMedia"),
    "generated and footage": ([A, OWN], ["generated", "footage"], "compositeWithTrainedAlgorithmicMedia"),
    "generated and animatic": ([A, B], ["animatic", "generated"], "compositeWithTrainedAlgorithmicMedia"),
    "animatic and own pictures": ([B, STILL], ["animatic", "footage"], "composite"),
    "footage": ([OWN, STILL], ["footage"], None),
    "a card": ([CARD], [], None),
}


@pytest.fixture
def desk(server: RunwareServer, tmp_path: Path) -> Iterator[Project]:
    project = Project(tmp_path / "film", A, server=server)
    made = ("-f", "lavfi", "-i", "testsrc=size=128x72:rate=24", "-frames:v")
    ffmpeg(*made, "24", "-pix_fmt", "yuv420p", str(project.folder / "own.mp4"))
    ffmpeg(*made, "1", str(project.folder / "map.png"))
    with at_work(11, 12):
        yield project.in_process()


def write(desk: Project, shots: list[str], file: str = "film.mp4") -> None:
    desk.write("scenes:\n  - id: s\n    shots:\n" + "".join(f"      - {shot}\n" for shot in shots))
    desk.edit("film.mp4", file)


def boxes(data: bytes) -> list[tuple[bytes, bytes]]:
    """The boxes at the top level of an MP4, each with its content."""
    found, at = [], 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        assert size >= 8
        found.append((data[at + 4 : at + 8], data[at + 8 : at + size]))
        at += size
    return found


def source_type(film: Path) -> str | None:
    """The digital source type by its XMP, parsed as XML."""
    packets = [content[16:] for kind, content in boxes(film.read_bytes()) if kind == b"uuid"]
    if not packets:
        return None
    [packet] = packets
    [found] = [one.get(f"{IPTC}DigitalSourceType") for one in ElementTree.fromstring(packet).iter() if one.attrib][-1:]
    return found


@pytest.mark.parametrize("name", FILMS)
def test_a_film_states_what_it_is_made_of(desk: Project, name: str) -> None:
    shots, made_of, term = FILMS[name]
    write(desk, shots)
    [built] = desk.data("build")["films"]
    film = desk.folder / built["film"]
    assert built["made_of"] == desk.data("status")["film"]["made_of"] == made_of
    assert (".draft." in built["film"]) == ("animatic" in made_of)
    with av.open(str(film)) as container:
        assert container.metadata.get("made_of", "") == ",".join(made_of)
    assert source_type(film) == (None if term is None else CV + term)


@pytest.mark.parametrize("file", ["film.mp4", "film.mov"])
def test_exiftool_and_ffprobe_read_it_back_and_the_film_still_starts_fast(desk: Project, file: str) -> None:
    write(desk, [A, OWN], file)
    desk.data("build")
    film = desk.folder / "out" / file
    kinds = [kind for kind, _ in boxes(film.read_bytes())]
    assert kinds[:3] == [b"ftyp", b"moov", b"uuid"]
    assert kinds[-1] == b"mdat"
    for words in ((), ("-fast2",)):  # the second reads no further than the beginning
        read = subprocess.run(
            [tool("exiftool"), "-json", *words, "-XMP-iptcExt:DigitalSourceType", film], capture_output=True, check=True
        )
        assert json.loads(read.stdout)[0]["DigitalSourceType"] == CV + "compositeWithTrainedAlgorithmicMedia"
    probed = subprocess.run(
        [tool("ffprobe"), "-v", "error", "-show_format", "-of", "json", film], capture_output=True, check=True
    )
    assert json.loads(probed.stdout)["format"]["tags"]["made_of"] == "generated,footage"
    whole = decoded(film)
    with av.open(str(film)) as container:
        stream = container.streams.video[0]
        container.seek(container.duration // 2)
        assert next(container.decode(stream)).pts is not None
    assert len(whole) == 48


def test_the_statement_stands_in_films_of_unusual_layout_too(desk: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """FFmpeg lays those out itself; then the XMP comes last."""

    def refuse(*_: object) -> None:
        raise UnsupportedLayout

    monkeypatch.setattr(join_module, "plan_layout", refuse)
    write(desk, [A, CARD])
    desk.data("build")
    film = desk.folder / "out/film.mp4"
    kinds = [kind for kind, _ in boxes(film.read_bytes())]
    assert (kinds[:2], kinds[-1]) == ([b"ftyp", b"moov"], b"uuid")
    assert source_type(film) == CV + "trainedAlgorithmicMedia"
    assert len(decoded(film)) > 24


def test_equal_films_have_equal_bytes_and_another_material_another_film(desk: Project) -> None:
    write(desk, [A, CARD])
    desk.data("build")
    film = desk.folder / "out/film.mp4"
    before = film.read_bytes()
    film.unlink()
    assert desk.built() == ["cut"]
    assert film.read_bytes() == before
    assert desk.built() == []
