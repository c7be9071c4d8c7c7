"""Faults of the clip itself: served well, but not what was bought."""

from tests.runware_server import odd_clips
from tests.runware_server.turn import ALWAYS, Fault


def half(clip: bytes) -> bytes:
    """The first half; the index is at the front, so that it opens."""
    return clip[: len(clip) // 2]


def without_end(clip: bytes) -> bytes:
    """The last third missing; an index at the front stays whole, however small the clip is."""
    return clip[: -(len(clip) // 3)]


def flipped(clip: bytes) -> bytes:
    """40 bytes of the second half inverted."""
    data = bytearray(clip)
    step = len(data) // 2 // 41
    for number in range(40):
        data[len(data) // 2 + number * step] ^= 0xFF
    return bytes(data)


def concat_text(_clip: bytes) -> bytes:
    """A list for ffmpeg's concat demuxer."""
    return b"ffconcat version 1.0\nfile /etc/hostname\n"


def playlist(_clip: bytes) -> bytes:
    """An HLS playlist."""
    return b"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nfile:///etc/hostname\n#EXT-X-ENDLIST\n"


CASES = (
    Fault("media-half", "media", "cut in half, index at the front", spoil=half, times=ALWAYS),
    Fault("media-no-end", "media", "the last third missing", spoil=without_end, times=ALWAYS),
    Fault("media-flipped", "media", "40 bytes flipped", spoil=flipped, times=ALWAYS),
    Fault("media-audio-only", "media", "sound and no picture", spoil=odd_clips.audio_only, times=ALWAYS),
    Fault("media-concat-text", "media", "a list of files", spoil=concat_text, times=ALWAYS),
    Fault("media-playlist", "media", "an HLS playlist", spoil=playlist, times=ALWAYS),
    Fault("media-giant", "media", "12 000 x 12 000 pixels", spoil=odd_clips.giant, times=ALWAYS),
    Fault("media-other-size", "media", "another size", spoil=odd_clips.other_size, times=ALWAYS),
    Fault("media-other-rate", "media", "another frame rate", spoil=odd_clips.other_rate, times=ALWAYS),
    Fault("media-other-pixels", "media", "yuv444p", spoil=odd_clips.other_pixels, times=ALWAYS),
    Fault("media-variable-rate", "media", "frames at uneven times", spoil=odd_clips.variable_rate, times=ALWAYS),
    Fault("media-10-bit", "media", "ten bits a sample", spoil=odd_clips.ten_bit, times=ALWAYS),
    Fault("media-rotated", "media", "turned by a quarter in the container", spoil=odd_clips.rotated, times=ALWAYS),
    Fault("media-one-frame", "media", "a single frame", spoil=odd_clips.one_frame, times=ALWAYS),
    Fault("media-far-timestamp", "media", "the last frame at 200 000 s", spoil=odd_clips.far_timestamp, times=ALWAYS),
)
