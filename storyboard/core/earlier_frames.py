"""Frames of animatics as an earlier drawing version drew them, and the requests of takes that were bought with them.

An animatic whose request is unchanged is drawn anew when the drawing version has changed, with other pixels. A take
that was bought with a frame of it stays: its request is computed with the frame of then. The lockfile keeps the digest
of that frame in the entry of the animatic, under its moment and the version (``earlier_moment``); the cache has it too.
"""

from collections.abc import Callable, Collection
from fractions import Fraction
from functools import cached_property

from storyboard.core.graph import Graph, links, moment
from storyboard.core.keys import (
    WITH_BAR,
    Request,
    action_key,
    frame_input,
    frame_request,
    take_request,
    unprepared,
    wants_slate,
)
from storyboard.core.model import PICTURE_FIELDS, FileInput, FrameLink, Generated, Shot, UrlInput
from storyboard.core.plan import ActionCache, FrameResult

_EARLIER = WITH_BAR[-1]


def earlier_moment(at: str) -> str:
    """Return the name under which a lockfile keeps the frame *at* of an animatic as it was drawn before."""
    return f"{at}@{_EARLIER}"


class EarlierFrames:
    """Frames of the animatics of one storyboard as they were drawn before.

    *engines* are the providers that draw here. *planes* returns the digest of a frame of a shot as it is now, *key* the
    key of the take of a shot, and *file* the value of a picture, by path or address, in a request.
    """

    def __init__(
        self,
        graph: Graph,
        cache: ActionCache,
        engines: Collection[str],
        planes: Callable[[str, str], str | None],
        key: Callable[[str], str | None],
        file: Callable[[str], str | None],
    ) -> None:
        self._graph = graph
        self._cache = cache
        self._engines = engines
        self._planes = planes
        self._key = key
        self._file = file
        self._known: dict[tuple[str, str], FrameResult] = {}

    def drawn_links(self, shot: Shot) -> list[tuple[str, str]]:
        """Return the animatics, each with the moment of a frame, that *shot* is linked to; none if it is drawn."""
        if isinstance(shot.source, Generated) and shot.source.provider in self._engines:
            return []
        return [(link.shot, moment(link.at)) for _, link in links(shot) if self._source(link.shot) is not None]

    def requests(self, shot: Shot) -> list[Request]:
        """Return the requests for which a paid take of *shot* may have been bought, with frames as drawn before."""
        source = shot.source
        if not isinstance(source, Generated) or not self.drawn_links(shot):
            return []
        pictures = self._pictures(source, with_bars=True)
        if pictures is None:
            return []
        request = take_request(source, None, pictures)
        plain = unprepared(request)
        return [request] if plain == request else [request, plain]

    def find(self, shot: str, at: str) -> FrameResult | None:
        """Return the frame of an animatic as it was drawn before; without a picture if the cache lacks it."""
        known = self._known.get((shot, at))
        if known is not None:
            return known
        source = self._source(shot)
        found = self._search(shot, at, source) if source is not None else None
        if found is not None and found.picture:
            self._known[shot, at] = found
        return found

    def moments(self, shot: str) -> dict[str, str]:
        """Return the digests of the frames that takes were bought with, as the lockfile keeps them."""
        found = ((at, self.find(shot, at)) for at in sorted(self._wanted.get(shot, ())))
        return {earlier_moment(at): frame.planes for at, frame in found if frame is not None}

    @cached_property
    def _wanted(self) -> dict[str, set[str]]:
        """The moments of animatics that shots which are not drawn are linked to, by shot."""
        found: dict[str, set[str]] = {}
        for shot in self._graph.storyboard.shots():
            for name, at in self.drawn_links(shot):
                found.setdefault(name, set()).add(at)
        return found

    def drew(self, source: Generated, key: str) -> bool:
        """Return whether *key* is that of the animatic of *source* as it was drawn before."""
        return source.provider in self._engines and key in self._earlier_keys(source)

    def had_bar(self, shot: str, at: str | Fraction) -> bool:
        """Return whether a frame of a shot had the slate bar of an earlier drawing version.

        The first frame of a shot that starts from a picture is that picture: it has a bar if a drawn frame is linked.
        """
        source = self._source(shot)
        if source is None:
            return False
        if at != "first" or source.first_frame is None:
            return wants_slate(source.params)
        link = source.first_frame
        return isinstance(link, FrameLink) and self.had_bar(link.shot, link.at)

    def _search(self, shot: str, at: str, source: Generated) -> FrameResult | None:
        """Return a frame from the cache, or else from the lockfile: under the names of then, or as it was kept."""
        own, now = self._cache.locked(shot, source.provider), self._key(shot)
        kept = None
        for key, name in [(now, earlier_moment(at)), *((key, at) for key in self._earlier_keys(source))]:
            if key is None:
                continue
            for take in self._cache.find(key):
                frames = self._cache.find(action_key("frame", frame_request(take.outputs["clip"], name)))
                if frames:
                    return FrameResult(frames[0].values["planes"], frames[0].outputs["picture"])
            entries = self._cache.named(key) if own is None or own.key != key else (own,)
            kept = next((entry.frames[name] for entry in entries if name in entry.frames), kept)
        return FrameResult(kept, "") if kept is not None else None

    def _earlier_keys(self, source: Generated) -> list[str]:
        pictures = self._pictures(source, with_bars=False)
        if pictures is None:
            return []
        request = take_request(source, _EARLIER, pictures)
        return list(dict.fromkeys(action_key("take", one) for one in (request, unprepared(request))))

    def _pictures(self, source: Generated, *, with_bars: bool) -> dict[str, str] | None:
        """Return the input pictures of *source*, frames as drawn before; ``None`` if one is not known.

        With *with_bars* frames with a bar are sent without it: so they were to providers, and not to the drawing.
        """
        found: dict[str, str | None] = {}
        for field in PICTURE_FIELDS:
            match getattr(source, field):
                case FileInput(place) | UrlInput(place):
                    found[field] = self._file(place)
                case FrameLink(shot, at):
                    frame = self.find(shot, moment(at))
                    planes = frame.planes if frame is not None else self._planes(shot, moment(at))
                    found[field] = planes and frame_input(planes, with_bar=with_bars and self.had_bar(shot, at))
        known = {field: value for field, value in found.items() if value}
        return known if len(known) == len(found) else None

    def _source(self, shot: str) -> Generated | None:
        """Return the source of a shot if it is drawn here."""
        source = self._graph.shot(shot).source
        return source if isinstance(source, Generated) and source.provider in self._engines else None
