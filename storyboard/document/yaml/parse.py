"""Parse YAML 1.2 text into nodes with source locations, in one pass over the events of PyYAML.

Only the events of PyYAML are used: its constructors read ``16:9`` as 969, keep the last of two equal keys and take
hours for 300 crafted bytes. Every limit is checked before the value is built that it guards. The result is always a
``Document``: errors in the text become findings, never an exception.
"""

import re
from collections.abc import Callable
from typing import Any, NoReturn

import yaml
from msgspec import Struct

from storyboard.core.diagnostics import Diagnostic, Label, Span, error
from storyboard.document.yaml import scalars, syntax_errors
from storyboard.document.yaml.decode import decode_document
from storyboard.document.yaml.source_map import Document, Map, Node, Scalar, Seq

MAX_DEPTH = 40
MAX_EVENTS = 300_000
MAX_ALIASES = 1_000
MAX_SCALAR = 65_536
MAX_FINDINGS = 500

LOADER: Any = getattr(yaml, "CLoader", yaml.Loader)

_ESCAPED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_TAG_HELP = "delete the tag, or put text that begins with `!` into quotes"
_STANDARD_TAG_HELP = "delete the tag; a value in quotes is text, a number without quotes is a number"
_NUMBER_HELP = f"write a finite number of at most {scalars.MAX_DIGITS} characters, or put text into quotes"
_PROPERTIES = re.compile(r"(?:[&!][^\s,\[\]{}]*\s*)+")


class _ParsingStopped(Exception):
    """Raised where parsing cannot go on; ``finding`` is the reason."""

    def __init__(self, finding: Diagnostic) -> None:
        self.finding = finding


class _Anchor(Struct):
    """A node with a name, how many nodes it is once aliases are written out, and how deep it is nested."""

    node: Node
    nodes: int
    height: int


class _Frame:
    """A list or mapping whose end has not been read yet."""

    __slots__ = ("anchor", "has_key", "height", "key", "key_place", "map", "node", "nodes", "seq")

    def __init__(self, node: Seq | Map, anchor: str | None, nodes: int) -> None:
        self.node = node
        self.seq = node if isinstance(node, Seq) else None
        self.map = node if isinstance(node, Map) else None
        self.anchor = anchor
        self.nodes = nodes
        self.height = 1
        self.has_key = False
        self.key: str | None = None
        self.key_place = (0, 0)


def parse(raw: bytes, name: str) -> Document:
    """Parse the bytes of the file *name*. The spans of all findings lie inside its text."""
    document = decode_document(raw, name)
    if document.findings:
        return document
    try:
        _read(document, LOADER)
    except syntax_errors.NestedTooDeep:
        # The loader gave up before it handed out the events that our own limit stops at. The pure one has no limit.
        document.findings.clear()
        _read(document, yaml.Loader)
    return document


def _read(document: Document, loader: Any) -> None:
    """Set the root or the findings of *document*. Raises ``NestedTooDeep`` if *loader* has a depth limit of its own."""
    try:
        document.root = _Builder(document).build(loader)
    except _ParsingStopped as stop:
        document.findings.append(stop.finding)
    except (yaml.YAMLError, ValueError, OverflowError) as broken:
        # The pure loader lets int() and chr() raise for absurd numbers in escapes and directives.
        document.findings.append(syntax_errors.explain(document, broken))


class _Builder:
    """Builder of the nodes of one document."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.root: Node | None = None
        self.stack: list[_Frame] = []
        self.anchors: dict[str, _Anchor | None] = {}
        self.nodes = 0
        self.aliases = 0
        self.documents = 0

    def build(self, make_loader: Any) -> Node:
        """Return the root. Raises ``_ParsingStopped`` and the exceptions of the loader."""
        scalar, handlers = yaml.ScalarEvent, self._handlers()
        loader = make_loader(self.document.text)
        next_event, add_scalar = loader.get_event, self._add_scalar
        left = MAX_EVENTS
        try:
            while (event := next_event()) is not None:
                left -= 1
                if left < 0:
                    message = f"the file has more than {MAX_EVENTS} keys and values"
                    self._stop(event, "too-many-values", message, "split the file")
                kind = type(event)
                if kind is scalar:
                    add_scalar(event)
                elif kind in handlers:
                    handlers[kind](event)
        finally:
            loader.dispose()
        return self._checked_root()

    def _handlers(self) -> dict[type, Callable[[Any], None]]:
        return {
            yaml.MappingStartEvent: self._open_map,
            yaml.MappingEndEvent: self._close,
            yaml.SequenceStartEvent: self._open_seq,
            yaml.SequenceEndEvent: self._close,
            yaml.AliasEvent: self._add_alias,
            yaml.DocumentStartEvent: self._document,
        }

    def _checked_root(self) -> Node:
        root = self.root
        if root is None or (isinstance(root, Scalar) and root.value is None and root.start == root.end):
            advice = "begin a storyboard with `version: 1`, an included scene with its `id`"
            raise _ParsingStopped(error("empty-file", "the file is empty", self.document.between(0, 0), help=advice))
        return root

    def _document(self, event: Any) -> None:
        self.documents += 1
        if self.documents > 1:
            place = self.document.between(event.start_mark.index, event.end_mark.index)
            message = "a second document begins here"
            advice = "delete the `---`, or move the text below it to a file of its own"
            raise _ParsingStopped(error("several-documents", message, place, help=advice))

    def _open_map(self, event: Any) -> None:
        start = self._enter(event)
        self.stack.append(_Frame(Map(start, start, {}, {}, {}), event.anchor, self.nodes))
        self.nodes += 1

    def _open_seq(self, event: Any) -> None:
        start = self._enter(event)
        self.stack.append(_Frame(Seq(start, start, [], []), event.anchor, self.nodes))
        self.nodes += 1

    def _enter(self, event: Any) -> int:
        """Check a list or mapping that begins with *event* and return its start index."""
        self._check_limits(event, 0)
        if event.tag is not None:
            self._report_tag(event)
        if event.anchor is not None:
            self.anchors[event.anchor] = None
        return self._value_start(event)

    def _close(self, event: Any) -> None:
        frame = self.stack.pop()
        node = frame.node
        node.end = event.end_mark.index
        if frame.anchor is not None:
            self.anchors[frame.anchor] = _Anchor(node, self.nodes - frame.nodes, frame.height)
        self._add_node(node, frame.height)

    def _add_scalar(self, event: Any) -> None:
        value: str = event.value
        if len(value) > MAX_SCALAR:
            self._stop(event, "text-too-long", f"the text is longer than {MAX_SCALAR} characters", "shorten the text")
        self.nodes += 1
        plain = event.implicit[0] and event.tag is None and event.anchor is None
        if plain and value and value[0] not in scalars.MEANING_FIRST:
            self._add_node(Scalar(event.start_mark.index, event.end_mark.index, value), 0)
            return
        node = Scalar(self._value_start(event), event.end_mark.index, value)
        self._resolve(node, event)
        if event.anchor is not None:
            self.anchors[event.anchor] = _Anchor(node, 1, 0)
        self._add_node(node, 0, merge=event.implicit[0] and value == "<<")

    def _resolve(self, node: Scalar, event: Any) -> None:
        if event.tag is not None:
            node.invalid = True
            self._report_tag(event)
        try:
            if event.tag is None and event.implicit[0]:
                node.value = scalars.resolve(event.value)
        except scalars.InvalidScalar as reason:
            node.invalid = True
            self._report_event(event, "bad-number", str(reason), _NUMBER_HELP)
        if event.style == '"' and isinstance(node.value, str):
            found = _ESCAPED.search(node.value)
            if found is not None:
                node.invalid = True
                message = f"an escape stands for the control character U+{ord(found.group()):04X}"
                self._report_event(event, "control-character", message, "delete the escape")

    def _report_tag(self, event: Any) -> None:
        name, standard = scalars.format_tag(event.tag)
        self._report_event(
            event, "yaml-tag", f"the tag `{name}` is not supported", _STANDARD_TAG_HELP if standard else _TAG_HELP
        )

    def _add_alias(self, event: Any) -> None:
        self.aliases += 1
        if self.aliases > MAX_ALIASES:
            message = f"the file has more than {MAX_ALIASES} aliases"
            self._stop(event, "too-many-aliases", message, "write values out instead")
        if event.anchor not in self.anchors:
            message = f"the anchor `{event.anchor[:40]}` is not defined before this alias"
            advice = f"define the anchor above as `&{event.anchor[:40]}`, or quote text that begins with `*`"
            self._stop(event, "unknown-anchor", message, advice)
        anchor = self.anchors[event.anchor]
        if anchor is None:
            message = f"the value of the anchor `{event.anchor[:40]}` contains this alias of itself"
            self._stop(event, "self-reference", message, "write the value out")
        self.nodes += anchor.nodes
        self._check_limits(event, anchor.height)
        self._add_node(self._copy_at(anchor.node, event), anchor.height)

    def _copy_at(self, node: Node, event: Any) -> Node:
        """Return *node* with its content, at the position of the alias *event*."""
        start, end = event.start_mark.index, event.end_mark.index
        if isinstance(node, Scalar):
            return Scalar(start, end, node.value, node.invalid)
        if isinstance(node, Seq):
            return Seq(start, end, node.items, node.value)
        return Map(start, end, node.items, node.keys, node.value)

    def _check_limits(self, event: Any, height: int) -> None:
        if len(self.stack) + height >= MAX_DEPTH:
            message = f"values are nested more than {MAX_DEPTH} levels deep"
            self._stop(event, "too-deep", message, "use fewer levels")
        if self.nodes > MAX_EVENTS:
            message = f"the file has more than {MAX_EVENTS} keys and values with its aliases written out"
            self._stop(event, "too-many-values", message, "use fewer aliases")

    def _add_node(self, node: Node, height: int, *, merge: bool = False) -> None:
        if not self.stack:
            self.root = node
            return
        frame = self.stack[-1]
        if height >= frame.height:
            frame.height = height + 1
        if frame.seq is not None:
            frame.seq.items.append(node)
            frame.seq.value.append(node.value)
        elif frame.map is not None and not frame.has_key:
            frame.has_key = True
            frame.key_place = (node.start, node.end)
            frame.key = self._read_key(frame.map, node, merge=merge)
        elif frame.map is not None:
            frame.has_key = False
            if frame.key is not None:
                frame.map.items[frame.key] = node
                frame.map.keys[frame.key] = frame.key_place
                frame.map.value[frame.key] = node.value

    def _read_key(self, parent: Map, node: Node, *, merge: bool) -> str | None:
        """Return the key, or ``None`` after a finding if its value has to be left out."""
        if merge:
            advice = "write shared fields under `defaults`, shared texts under `vars`"
            self._report("merge-key", "merge keys (`<<`) are not part of YAML 1.2", node, help=advice)
            return None
        if not isinstance(node, Scalar) or not isinstance(node.value, str):
            advice = "put the key into quotes" if isinstance(node, Scalar) else "write text as the key"
            self._report("key-not-text", "a key must be text", node, help=advice)
            return None
        if node.value in parent.keys:
            if len(self.document.findings) < MAX_FINDINGS:
                self._report(
                    "repeated-key",
                    f"the key `{scalars.shorten(node.value)}` is repeated",
                    node,
                    parent.keys[node.value],
                    "delete one of the two",
                )
            return None
        return None if node.invalid else node.value

    def _value_start(self, event: Any) -> int:
        """Return the start index of the value itself, behind its anchor and tag."""
        start: int = event.start_mark.index
        if event.anchor is None and event.tag is None:
            return start
        scalar = isinstance(event, yaml.ScalarEvent)
        found = _PROPERTIES.match(
            self.document.text, start, event.end_mark.index if scalar else len(self.document.text)
        )
        return start if found is None else found.end()

    def _report(
        self,
        code: str,
        message: str,
        node: Node,
        first: tuple[int, int] | None = None,
        help: str | None = None,  # noqa: A002
    ) -> None:
        if len(self.document.findings) < MAX_FINDINGS:
            between = self.document.between
            notes = () if first is None else (Label(between(*first), "the first one is here"),)
            self.document.findings.append(error(code, message, between(node.start, node.end), *notes, help=help))

    def _report_event(self, event: Any, code: str, message: str, advice: str) -> None:
        if len(self.document.findings) < MAX_FINDINGS:
            self.document.findings.append(error(code, message, self._event_span(event), help=advice))

    def _stop(self, event: Any, code: str, message: str, advice: str) -> NoReturn:
        raise _ParsingStopped(error(code, message, self._event_span(event), help=advice))

    def _event_span(self, event: Any) -> Span:
        return self.document.between(event.start_mark.index, event.end_mark.index)
