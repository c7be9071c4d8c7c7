"""Own footage: a file of the project is taken into the store once, through the same gate as a take that was made."""

import hashlib
from pathlib import Path

from storyboard.build.makers import Delivery, FreeMaker, Order
from storyboard.build.tasks import TaskFailed, judge_clip
from storyboard.build.workers import Workers
from storyboard.core.clip import HDR, ClipInfo
from storyboard.core.model import Clip

_CHUNK = 1 << 20


class FootageMaker(FreeMaker):
    """Takes clips out of the project at *root*; nothing is paid and nothing drawn."""

    def __init__(self, workers: Workers, root: Path) -> None:
        self._workers = workers
        self._root = root

    async def make(self, order: Order) -> Delivery:
        """Copy the clip beside the store and judge the copy. Raises ``TaskFailed``."""
        source = order.shot.source
        if not isinstance(source, Clip):
            raise TypeError(f"shot {order.shot.id} is no footage")
        wanted = str((order.step.request or {})["clip"]).removeprefix("file:")
        path = (self._root / source.file.path).resolve()
        name = source.file.path
        info, seconds = await self._workers.timed(order.step.action.id, take_in, path, name, wanted, order.out)
        return Delivery(info, seconds, None)


def take_in(slot: int, source: Path, name: str, digest: str, out: Path) -> ClipInfo:
    """Copy *source* to *out* and pass the copy through the gate. Raises ``TaskFailed`` and ``OSError``."""
    if _copied(source, out) != digest:
        raise TaskFailed(f"{name} was changed during the build; build again")
    try:
        info = judge_clip(slot, out, None, None)
    except TaskFailed as problem:
        raise TaskFailed(f"{name} {problem}") from problem
    transfer = info.color.split("/")[2]
    if transfer in HDR:
        advice = "convert it to BT.709 first, for example with FFmpeg's filters zscale and tonemap"
        raise TaskFailed(f"{name} is HDR ({transfer}), whose tones are not mapped; {advice}")
    return info


def _copied(source: Path, out: Path) -> str:
    state = hashlib.sha256()
    with source.open("rb") as read, out.open("wb") as write:
        while chunk := read.read(_CHUNK):
            state.update(chunk)
            write.write(chunk)
    return state.hexdigest()
