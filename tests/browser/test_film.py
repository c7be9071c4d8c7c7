"""The film as others see it: a browser plays it and seeks in it, ffprobe and ffmpeg find nothing wrong."""

import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import tool
from tests.inside import hasty
from tests.project import Project

# Takes as they are, one cut short, one conformed, and a dissolve: packets of both kinds in one film, side by side.
MIXED = """\
scenes:
  - id: one
    shots:
      - {id: a, prompt: a river at night, seed: 3}
      - {id: b, prompt: a forest at dawn, seed: 4, trim: {start: 0.25}}
      - {id: c, prompt: a city in the rain, seed: 5, size: 64x64}
      - {id: d, prompt: a desert at noon, seed: 6, transition: {type: dissolve, duration: 0.25}}
      - {id: e, prompt: a hill in spring, seed: 7}
"""
FRAMES = 12 + 9 + 9 + 3 + 9 + 12
JOINS = [12, 21, 30, 33, 42]
PAGE = b"""<!doctype html><video id=v src=/film.mp4 muted></video><script>
const v = document.getElementById('v'), told = {errors: [], times: [], shown: []};
const STEP = 1 / 12;
const tell = () => fetch('/told', {method: 'POST', body: JSON.stringify(told)});
v.onerror = () => { told.errors.push(v.error.message); tell(); };
// `seeked` comes when the right picture is decoded, maybe before it is the one that is drawn: both are waited for.
const at = t => new Promise(done => {
  let sought = false, drawn = -1, over = false;
  const end = () => { clearTimeout(late); over = true; done(drawn); };
  const late = setTimeout(end, 10000);
  const look = () => { if (!over && sought && Math.abs(drawn + STEP / 2 - t) < STEP / 4) end(); };
  const next = (_, frame) => { drawn = frame.mediaTime; look(); if (!over) v.requestVideoFrameCallback(next); };
  v.requestVideoFrameCallback(next);
  v.onseeked = () => { sought = true; look(); };
  v.currentTime = t;
});
const mean = () => {
  const c = document.createElement('canvas'); c.width = 16; c.height = 9;
  const x = c.getContext('2d'); x.drawImage(v, 0, 0, 16, 9);
  const d = x.getImageData(0, 0, 16, 9).data; let s = [0, 0, 0];
  for (let i = 0; i < d.length; i += 4) for (let k = 0; k < 3; k++) s[k] += d[i + k] / 144;
  return s.map(Math.round);
};
v.onloadeddata = async () => {
  told.duration = v.duration; told.size = [v.videoWidth, v.videoHeight];
  for (const t of TIMES) { told.times.push(await at(t)); told.shown.push(mean()); }
  v.onended = () => { told.played = v.currentTime; tell(); };
  v.currentTime = 0; v.play().catch(e => { told.errors.push(String(e)); tell(); });
};
</script>"""


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = Project(tmp_path_factory.mktemp("mixed") / "film", MIXED, inside=True)
    with hasty():
        data = project.build()
    rendered = sorted(name for name in data["made"] if name.startswith("segment:"))
    assert rendered == ["segment:b", "segment:c", "segment:d"]
    return project.film


def test_ffprobe_counts_the_frames_of_the_timeline(film: Path) -> None:
    probe = tool("ffprobe")
    fields = "nb_read_frames,nb_frames,r_frame_rate,avg_frame_rate,color_space,color_range,pix_fmt,codec_tag_string"
    words = [probe, "-v", "error", "-count_frames", "-show_entries", f"stream={fields}", "-of", "json", f"file:{film}"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    [stream] = json.loads(done.stdout)["streams"]
    assert stream == {
        "codec_tag_string": "avc1",
        "pix_fmt": "yuv420p",
        "color_range": "tv",
        "color_space": "bt709",
        "r_frame_rate": "12/1",
        "avg_frame_rate": "12/1",
        "nb_frames": str(FRAMES),
        "nb_read_frames": str(FRAMES),
    }
    assert done.stderr == ""


def test_ffmpeg_decodes_it_with_nothing_to_complain(film: Path) -> None:
    ffmpeg = tool("ffmpeg")
    words = [ffmpeg, "-v", "error", "-xerror", "-err_detect", "explode", "-i", f"file:{film}", "-f", "null", "-"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stderr == ""


def test_a_browser_plays_it_to_the_end_and_seeks_to_both_sides_of_each_join(film: Path, tmp_path: Path) -> None:
    frames = [number for join in JOINS for number in (join - 1, join)]
    times = [(number + 0.5) / 12 for number in frames]
    told = in_browser(film, times, tmp_path)
    assert told["errors"] == []
    assert told["duration"] == pytest.approx(FRAMES / 12, abs=0.02)
    assert told["size"] == [128, 72]
    assert told["times"] == pytest.approx([number / 12 for number in frames], abs=0.002)
    assert told["played"] == pytest.approx(FRAMES / 12, abs=0.1)
    for seen, wanted in zip(told["shown"], means(film, frames), strict=True):
        assert max(abs(a - b) for a, b in zip(seen, wanted, strict=True)) <= 8, (told["shown"], means(film, frames))


def means(film: Path, frames: list[int]) -> list[list[int]]:
    """The mean colour of some frames."""
    import av

    found = {}
    with av.open(str(film)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number in frames:
                found[number] = [round(float(c)) for c in frame.to_ndarray(format="rgb24").mean(axis=(0, 1))]
    return [found[number] for number in frames]


def in_browser(film: Path, times: list[float], folder: Path, page: bytes = PAGE) -> Any:
    """Open the film in a page of headless Chromium; what the page told."""
    chromium = tool("chromium")
    with served(film, page.replace(b"TIMES", json.dumps(times).encode())) as (address, told):
        words = [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
        words += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
        words += ["--autoplay-policy=no-user-gesture-required", "--remote-debugging-port=0"]
        words += [f"--user-data-dir={folder / 'profile'}", address]
        with (folder / "chromium.log").open("wb") as log:
            browser = subprocess.Popen(words, stdout=log, stderr=log)
            try:
                assert told.wait(60), (folder / "chromium.log").read_text()
            finally:
                browser.kill()
                browser.wait()
        return told.value


class Told(threading.Event):
    """Set when the page has told something."""

    value: Any = None


@contextmanager
def served(film: Path, page: bytes) -> Iterator[tuple[str, Told]]:
    """A page and a film on loopback, with byte ranges."""
    told = Told()
    data = film.read_bytes()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path != "/film.mp4":
                self.answer(200, page if self.path == "/" else b"", "text/html")
                return
            asked = self.headers.get("Range", "bytes=0-").removeprefix("bytes=").split("-")
            start = int(asked[0] or 0)
            end = int(asked[1]) if asked[1] else len(data) - 1
            more = {"Content-Range": f"bytes {start}-{end}/{len(data)}", "Accept-Ranges": "bytes"}
            self.answer(206, data[start : end + 1], "video/mp4", more)

        def do_POST(self) -> None:
            told.value = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.answer(204, b"", "text/plain")
            told.set()

        def answer(self, status: int, body: bytes, kind: str, more: dict[str, str] | None = None) -> None:
            self.send_response(status)
            for name, text in {"Content-Type": kind, "Content-Length": str(len(body)), **(more or {})}.items():
                self.send_header(name, text)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/", told
    finally:
        server.shutdown()
        server.server_close()
