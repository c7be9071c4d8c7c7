"""Own footage: a file of the project is taken into the store once, through the same gate as a take that was made."""

from pathlib import Path

from storyboard.build.makers import Delivery, FreeMaker, Order
from storyboard.build.tasks import take_in
from storyboard.build.workers import Workers
from storyboard.core.model import Clip


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
