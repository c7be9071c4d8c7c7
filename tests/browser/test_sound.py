"""The sound of a film as a browser hears it."""

from pathlib import Path

import pytest

from tests.browser.test_film import in_browser
from tests.inside import at_work
from tests.media.sounds import beeps, write_clip
from tests.project import Project

HEADER = "version: 1\noutput: {file: out/film.mp4, size: 64x36, fps: 24}\n"
SHOTS = "scenes: [{id: one, shots: [{id: a, clip: a.mp4}, {id: b, clip: a.mp4}]}]\n"
# Plays it to its end, and hands its sound to the browser's decoder, which gives samples.
PAGE = b"""<!doctype html><video id=v src=/film.mp4 muted></video><script>
const v = document.getElementById('v'), told = {errors: [], beeps: []};
const tell = () => fetch('/told', {method: 'POST', body: JSON.stringify(told)});
v.onerror = () => { told.errors.push(v.error.message); tell(); };
v.onloadeddata = async () => {
  told.duration = v.duration;
  const file = await (await fetch('/film.mp4')).arrayBuffer();
  const sound = await new OfflineAudioContext(2, 1, 48000).decodeAudioData(file);
  told.length = sound.duration; told.channels = sound.numberOfChannels;
  const left = sound.getChannelData(0);
  let quiet = 48000;
  for (let i = 0; i < left.length; i++) {
    if (Math.abs(left[i]) > 0.1) { if (quiet > 4800) told.beeps.push(i / 48000); quiet = 0; } else quiet++;
  }
  v.onended = () => { told.played = v.currentTime; tell(); };
  v.play().catch(e => { told.errors.push(String(e)); tell(); });
};
</script>"""


def test_a_browser_hears_every_beep_at_its_time(tmp_path: Path) -> None:
    project = Project(tmp_path / "film")
    write_clip(project.folder / "a.mp4", beeps(1, [0.25, 0.75]), 24)
    project.write(SHOTS, HEADER)
    with at_work():
        project.in_process().built()
    told = in_browser(project.film, [], tmp_path, PAGE)
    assert told["errors"] == []
    assert told["channels"] == 2
    assert told["beeps"] == pytest.approx([0.25, 0.75, 1.25, 1.75], abs=0.002)
    assert told["duration"] == pytest.approx(2, abs=0.001)
    assert told["length"] == pytest.approx(2, abs=0.022)
    assert told["played"] == pytest.approx(2, abs=0.1)
