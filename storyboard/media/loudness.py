"""How loud a sound is: integrated loudness by EBU R128, measured by FFmpeg's ``ebur128``, and its true peak."""

import math
from fractions import Fraction

import numpy as np
from av.audio.frame import AudioFrame
from av.error import FFmpegError
from av.filter import Graph
from msgspec import Struct

from storyboard.core.sound import RATE
from storyboard.media.hearing import Block, Blocks
from storyboard.media.limiter import PeakMeter

# What is not louder than this counts as silence (EBU R128's absolute gate).
SILENT = -70.0


class Loudness(Struct, frozen=True):
    """Integrated loudness in LUFS, ``None`` for silence, and the highest true peak in dBTP (``-inf`` for silence)."""

    integrated: float | None
    peak: float


def frame_of(block: Block, at: int) -> AudioFrame:
    """*block* for FFmpeg, beginning at sample *at*."""
    frame = AudioFrame.from_ndarray(np.ascontiguousarray(block, np.float32), format="fltp", layout="stereo")
    frame.sample_rate, frame.time_base, frame.pts = RATE, Fraction(1, RATE), at
    return frame


def loudness(blocks: Blocks) -> Loudness:
    """Hear *blocks* to the end."""
    graph = Graph()
    source = graph.add_abuffer(sample_rate=RATE, format="fltp", layout="stereo", time_base=Fraction(1, RATE))
    meter, sink = graph.add("ebur128", "metadata=1"), graph.add("abuffersink")
    source.link_to(meter)
    meter.link_to(sink)
    graph.configure()
    peak, at, said = PeakMeter(), 0, ""
    for block in blocks:
        peak.see(block)
        graph.push(frame_of(block, at))
        at += block.shape[1]
        said = _told(graph) or said
    graph.push(None)
    integrated = float(_told(graph) or said or SILENT)
    return Loudness(integrated if integrated > SILENT and math.isfinite(integrated) else None, decibels(peak.peak))


def _told(graph: Graph) -> str:
    """The newest reading; empty if there is none."""
    said = ""
    while True:
        try:
            frame = graph.pull()
        except (BlockingIOError, EOFError, FFmpegError):
            return said
        said = frame.metadata.get("lavfi.r128.I", said)


def decibels(factor: float) -> float:
    """A factor in decibels; ``-inf`` for 0."""
    return 20 * math.log10(factor) if factor > 0 else -math.inf


def factor(decibels: float) -> float:
    """Decibels as a factor."""
    return float(10 ** (decibels / 20))
