"""What every paid provider is to the rest: the request, the outcome of a job, the protocol.

Owns the values and the words; no provider is known here by its wire, and nothing here waits, sleeps, opens a socket or
touches a file. A provider translates one request into calls and replies into outcomes. Errors are in ``errors``, the
client is ``http``, the wait loop ``wait``, results are fetched by ``download``.
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
Repeat = Literal["always", "refused", "unsent"]

# Job state -> whether it is an ending. "unknown" is what a provider says of a job it has not seen, or not yet.
ENDINGS: Mapping[State, bool] = {"running": False, "succeeded": True, "failed": True, "unknown": False}

GROUP = "storyboard.providers"
BUILT_IN = {"runware": "storyboard.providers.runware.wire:Runware"}


class Picture(Struct, frozen=True):
    """A conditioning picture: the bytes of its file and their media type, ``image/png`` or the like."""

    data: bytes
    media_type: str


class TakeRequest(Struct, frozen=True):
    """One take to be made. *duration* in seconds, *size* in pixels, *params* as the provider's API names them."""

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
        """The conditioning pictures by where they stand."""
        placed: dict[Position, Picture | None] = {"first": self.first_frame, "last": self.last_frame}
        return {position: picture for position, picture in placed.items() if picture is not None}


class Running(Struct, frozen=True, tag="running"):
    """Queued or being made; *progress* in percent where the provider tells it."""

    progress: int | None = None


class Succeeded(Struct, frozen=True, tag="succeeded"):
    """Made. *cost* in US dollars and *seed* as the provider says, ``None`` where it says nothing usable.

    *url* may be signed. *notes* are oddities of the reply worth telling.
    """

    url: Secret
    result_id: str | None = None
    seed: int | None = None
    cost: Decimal | None = None
    nsfw: bool | None = None
    notes: tuple[str, ...] = ()


class Failed(Struct, frozen=True, tag="failed"):
    """Ended without a result. Under the code ``unreadable-reply`` it was made, but where it lies can't be read."""

    error: ProviderError


class Unknown(Struct, frozen=True, tag="unknown"):
    """The provider does not know this job, or not yet."""


Outcome = Running | Succeeded | Failed | Unknown


def state_of(outcome: Outcome) -> State:
    """The job state that *outcome* stands for."""
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
    """What a provider's archive says of a task: *known* at all, the *request* as it was received, how it ended."""

    known: bool
    outcome: Outcome = Unknown()
    request: Mapping[str, Any] | None = None


class Call(Struct, frozen=True):
    """One request to a provider's API: JSON *body*, and the path below the endpoint."""

    body: Json = None
    method: str = "POST"
    path: str = ""


class Reply(Struct, frozen=True):
    """One reply that could be read.

    *data* is its JSON, numbers with a point as ``Decimal``, ``None`` if it had none.
    """

    status: int
    data: Any = None
    retry_after: float | None = None


class Provider(Protocol):
    """Translation for one paid provider, pure: it does not loop, sleep, retry, or touch a socket or the store.

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
        """The id of the *attempt*-th try at the action *key*: the same on every machine."""

    def error_of(self, reply: Reply) -> ProviderError | None:
        """Return the error that *reply* reports as a whole, by its status and codes; ``None`` if it reports none."""

    def uploads(self, request: TakeRequest) -> dict[Position, Call]:
        """The calls that must go first because a picture is too large to travel inside the submission."""

    def read_upload(self, reply: Reply) -> str:
        """The reference under which an uploaded picture is known."""

    def submission(self, request: TakeRequest, task_id: str, references: Mapping[Position, str] | None = None) -> Call:
        """The paid call. *references* are those of the uploaded pictures. Raises ``ValueError`` if one is missing."""

    def read_acknowledgement(self, reply: Reply, task_id: str) -> str:
        """The id under which the provider took the job; ``conflict`` is raised if it has that id already."""

    def status_query(self, task_ids: Sequence[str]) -> Call:
        """Ask how jobs are doing."""

    def read_status(self, reply: Reply, task_ids: Sequence[str]) -> dict[str, Outcome]:
        """An outcome for each id that the reply tells about, ``Unknown`` for the rest.

        An id is left out if the reply is no answer to it, as when it refuses the question for some other id.
        """

    def archive_query(self, task_ids: Sequence[str]) -> Call:
        """Ask the archive for old tasks."""

    def read_archive(self, reply: Reply, task_ids: Sequence[str]) -> dict[str, Archived]:
        """What the archive knows, by id; an id is left out as in ``read_status``."""

    def same_request(self, archived: Mapping[str, Any], submitted: Call) -> bool:
        """Whether the archived request asks for the same take as *submitted*, whatever it was acknowledged as."""


# Attempts at one key among which the one behind a task id is looked for.
_MOST_ATTEMPTS = 99


def attempt_of(provider: Provider, key: str, task_id: str) -> int:
    """Which attempt at *key* has that id; 0 if it is none of the first hundred."""
    return next((n for n in range(1, _MOST_ATTEMPTS + 1) if provider.task_id(key, n) == task_id), 0)


class UnknownProvider(LookupError):
    """No provider of that *name*; *known* are those there are."""

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        super().__init__(name)
        self.name = name
        self.known = known


def known_providers() -> tuple[str, ...]:
    """The names of all paid providers, built in or plugged in through the entry point group."""
    return tuple(sorted({*BUILT_IN, *(point.name for point in entry_points(group=GROUP))}))


def find(name: str) -> Provider:
    """The paid provider of that name, loaded only now. Raises ``UnknownProvider``."""
    if name in BUILT_IN:
        module, _, attribute = BUILT_IN[name].partition(":")
        made: Provider = getattr(import_module(module), attribute)()
        return made
    for point in entry_points(group=GROUP, name=name):
        plugged: Provider = point.load()()
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
