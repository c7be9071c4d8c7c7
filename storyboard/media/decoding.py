"""What decodes the pictures of a stream.

FFmpeg's own decoders of VP8 and VP9 leave out the transparency that WebM keeps beside each picture; libvpx reads it.
"""

import av
from av.codec.codec import UnknownCodecError
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from storyboard.media.reader import Unreadable

_TRANSPARENT = {"vp8": "libvpx", "vp9": "libvpx-vp9"}


def picture_decoder(stream: VideoStream) -> VideoCodecContext:
    """What to decode packets of *stream* with, from a keyframe on: its own decoder, or a new one where that is blind.

    Raises ``Unreadable`` if nothing here sees what is transparent.
    """
    own = stream.codec_context
    name = _TRANSPARENT.get(own.codec.canonical_name) if stream.metadata.get("alpha_mode") == "1" else None
    if name is None:
        return own
    try:
        decoder = av.CodecContext.create(name, "r")
    except UnknownCodecError as problem:
        raise Unreadable(f"is transparent, which takes {name} to see, and this PyAV comes without it") from problem
    if not isinstance(decoder, VideoCodecContext):
        raise TypeError(name)
    decoder.options = dict(own.options)
    decoder.thread_count = 1
    return decoder
