"""The interface of a paid provider: requests, outcomes of jobs, and the protocol that plug-ins implement.

A provider translates one request into calls, and replies into outcomes. Nothing here waits, sleeps, opens a socket or
touches a file. Errors are in ``errors``, the client in ``api_client``, the wait loop in ``poller``; results are
fetched by ``download``.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, Literal, Protocol

from msgspec import Struct

from storyboard.core.model import Json, Size
from storyboard.providers.errors import ProviderError, Secret

State = Literal["running", "succeeded", "failed", "unknown"]
Position = Literal["first", "last"]
RetryRule = Literal["always", "refused", "unsent"]

# Job state -> whether it is final. "unknown": the provider has no such job, or not yet.
ENDINGS: Mapping[State, bool] = {"running": False, "succeeded": True, "failed": True, "unknown": False}

GROUP = "storyboard.providers"
BUILT_IN = {"runware": "storyboard.providers.runware.wire:Runware"}


class Picture(Struct, frozen=True):
    """A conditioning picture: the bytes of its file and their media type, such as ``image/png``."""

    data: bytes
    media_type: str


class TakeRequest(Struct, frozen=True):
    """One take to generate. *duration* in seconds, *size* in pixels, *params* under the names of the provider's API."""

    provider: str
    model: str
    prompt: str
    duration: Fraction
    size: Size
    seed: int
    negative_prompt: str | None = None
    params: Mapping[str, Json] = {}
    first_frame: Picture | None = None
    last_frame: Picture | None = None

    def frames(self) -> dict[Position, Picture]:
        """Return the conditioning pictures by position."""
        placed: dict[Position, Picture | None] = {"first": self.first_frame, "last": self.last_frame}
        return {position: picture for position, picture in placed.items() if picture is not None}


class Running(Struct, frozen=True, tag="running"):
    """Queued or in progress; *progress* in percent where the provider states it, *status* its word for the state."""

    progress: int | None = None
    status: str = ""


class Succeeded(Struct, frozen=True, tag="succeeded"):
    """Finished with a result. *cost* in US dollars and *seed* as the provider states them, ``None`` if not usable.

    *url* may be signed. *notes* are oddities of the reply to report.
    """

    url: Secret
    result_id: str | None = None
    seed: int | None = None
    cost: Decimal | None = None
    nsfw: bool | None = None
    notes: tuple[str, ...] = ()


class Failed(Struct, frozen=True, tag="failed"):
    """Ended without a result. With the code ``unreadable-reply`` there is one, but its address cannot be read."""

    error: ProviderError


class Unknown(Struct, frozen=True, tag="unknown"):
    """The provider does not know this job, or not yet."""


Outcome = Running | Succeeded | Failed | Unknown


def state_of(outcome: Outcome) -> State:
    """Return the job state of *outcome*."""
    match outcome:
        case Running():
            return "running"
        case Succeeded():
            return "succeeded"
        case Failed():
            return "failed"
        case Unknown():
            return "unknown"


class Archived(Struct, frozen=True):
    """The archive's entry of a task: whether it is *known*, the *request* as received, its outcome."""

    known: bool
    outcome: Outcome = Unknown()
    request: Mapping[str, Any] | None = None


class Call(Struct, frozen=True):
    """One request to a provider's API: a JSON *body*, and the path below the endpoint."""

    body: Json = None
    method: str = "POST"
    path: str = ""


class Reply(Struct, frozen=True):
    """One readable reply.

    *data* is its JSON with decimal numbers as ``Decimal``, ``None`` if it has none.
    """

    status: int
    data: Any = None
    retry_after: float | None = None


class Provider(Protocol):
    """Pure translation for one paid provider: no loops, sleeps or retries, no access to sockets or the store.

    Attributes: *name*; *endpoint*, the default address of its API; *key_variable*, the environment variable that
    usually holds its key; *result_hosts*, the only hosts results may come from; *task_id_retention_s*, seconds after a
    submission during which the provider is trusted to find a task by its id; *client_task_ids*, whether ``task_id``
    chooses the id (else the provider does); *batch*, how many tasks one status query may name. The ``read_*`` methods
    raise ``ProviderError`` if the reply is a refusal, can't be read, or is about another task.
    """

    name: str
    endpoint: str
    key_variable: str
    result_hosts: frozenset[str]
    task_id_retention_s: int
    client_task_ids: bool
    batch: int

    def task_id(self, key: str, attempt: int) -> str:
        """Return the id of the *attempt*-th try at the action *key*, equal on every machine."""

    def error_of(self, reply: Reply) -> ProviderError | None:
        """Return the error that *reply* reports as a whole, by its status and codes; ``None`` if it reports none."""

    def uploads(self, request: TakeRequest) -> dict[Position, Call]:
        """Return the calls to make first for pictures that are too large for the submission."""

    def read_upload(self, reply: Reply) -> str:
        """Return the reference of an uploaded picture."""

    def submission(self, request: TakeRequest, task_id: str, references: Mapping[Position, str] | None = None) -> Call:
        """Return the paid call with *references* of uploaded pictures. Raises ``ValueError`` if one is missing."""

    def read_acknowledgement(self, reply: Reply, task_id: str) -> str:
        """Return the id of the accepted job. Raises ``conflict`` if the provider has a job of that id already."""

    def status_query(self, task_ids: Sequence[str]) -> Call:
        """Return the call that asks for the state of jobs."""

    def read_status(self, reply: Reply, task_ids: Sequence[str]) -> dict[str, Outcome]:
        """Return an outcome for each id that the reply covers, ``Unknown`` for the rest.

        An id is left out if the reply does not answer for it, as when the query is refused because of another id.
        """

    def archive_query(self, task_ids: Sequence[str]) -> Call:
        """Return the call that asks the archive for old tasks."""

    def read_archive(self, reply: Reply, task_ids: Sequence[str]) -> dict[str, Archived]:
        """Return the archive's entries by id; ids are left out as in ``read_status``."""

    def same_request(self, archived: Mapping[str, Any], submitted: Call) -> bool:
        """Return whether the archived request asks for the take of *submitted*."""


# Attempts at one key that are compared with a task id.
_MOST_ATTEMPTS = 99


def attempt_of(provider: Provider, key: str, task_id: str) -> int:
    """Return the number of the attempt at *key* with that id, 0 if none of the first 99 has it."""
    return next((n for n in range(1, _MOST_ATTEMPTS + 1) if provider.task_id(key, n) == task_id), 0)


class UnknownProvider(LookupError):
    """A name without a provider, or with a plug-in that cannot be loaded; *known* are the existing names.

    *reason* completes the sentence "the provider …".
    """

    def __init__(self, name: str, known: tuple[str, ...], reason: str = "is not installed") -> None:
        super().__init__(name)
        self.name = name
        self.known = known
        self.reason = reason


def known_providers() -> tuple[str, ...]:
    """Return the names of all paid providers, built in or plugged in through the entry point group."""
    return tuple(sorted({*BUILT_IN, *(point.name for point in entry_points(group=GROUP))}))


def find(name: str) -> Provider:
    """Return the paid provider of that name, loaded on demand. Raises ``UnknownProvider``.

    A plug-in that raises while it is loaded counts as unknown, whatever it raises.
    """
    if name in BUILT_IN:
        module, _, attribute = BUILT_IN[name].partition(":")
        made: Provider = getattr(import_module(module), attribute)()
        return made
    for point in entry_points(group=GROUP, name=name):
        try:
            plugged: Provider = point.load()()
        except Exception as problem:
            reason = f"cannot be loaded: {type(problem).__name__}: {problem}"
            raise UnknownProvider(name, known_providers(), reason) from problem
        _add_current_names(plugged)
        return plugged
    raise UnknownProvider(name, known_providers())


# Attributes of ``Provider`` that had another name before 0.1.0; a plug-in may define them under the old one.
_RENAMED = {"memory_s": "task_id_retention_s", "own_ids": "client_task_ids", "refusal": "error_of"}


def _add_current_names(provider: Provider) -> None:
    """Make attributes that *provider* defines under an old name available under the current one as well.

    Each class of the inheritance chain is completed by itself, so that a subclass which overrides an old name still
    hides what its base class defines under the current one, and ``super()`` finds the attribute of the base class.
    """
    for owner in (*type(provider).__mro__, provider):
        defined = getattr(owner, "__dict__", {})
        for old, current in _RENAMED.items():
            if old in defined and current not in defined:
                setattr(owner, current, defined[old])
