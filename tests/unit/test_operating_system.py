"""What differs between systems: one module owns it, and does without the calls that Windows lacks."""

import ast
from pathlib import Path

import pytest

from storyboard import operating_system

PACKAGE = Path(operating_system.__file__).parent
# Of `os`, `signal`, `subprocess` and `socket`: on Linux and macOS only, or with another meaning on Windows.
_ELSEWHERE = set(
    """
    O_CLOEXEC O_DIRECTORY O_NOFOLLOW O_NONBLOCK O_BINARY fchmod fchown chown pread pwrite preadv pwritev openat
    fork killpg getuid geteuid getpgid setsid uname statvfs mkfifo symlink link name supports_dir_fd SIGHUP
    SIGKILL SIGQUIT SIGUSR1 SIGBREAK pthread_sigmask siginterrupt setitimer alarm platform AF_UNIX
    CREATE_NEW_PROCESS_GROUP
    """.split()  # noqa: SIM905 - as in `tests/words`
)
_OWNERS = {"os", "signal", "subprocess", "socket"}
_MODULES = {"resource", "fcntl", "pwd", "grp", "termios", "msvcrt", "winreg", "_winapi"}


def of_one_system(source: str) -> list[int]:
    """Lines that use what one system has and another lacks."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            owner, name = node.value.id, node.attr
            if (owner in _OWNERS and name in _ELSEWHERE) or (owner == "sys" and name == "platform"):
                found.append(node.lineno)
        elif isinstance(node, ast.Import):
            found += [node.lineno for alias in node.names if alias.name in _MODULES]
        elif isinstance(node, ast.ImportFrom) and node.module in _MODULES:
            found.append(node.lineno)
        elif isinstance(node, ast.keyword) and node.arg in {"dir_fd", "pass_fds", "preexec_fn", "start_new_session"}:
            found.append(node.value.lineno)
    return found


def test_only_one_module_holds_what_one_system_has_and_another_lacks() -> None:
    places = {
        f"{path.relative_to(PACKAGE).as_posix()}:{line}"
        for path in PACKAGE.rglob("*.py")
        if path != Path(operating_system.__file__)
        for line in of_one_system(path.read_text(encoding="utf-8"))
    }
    allowed = {"durable.py", "cli/commands/doctor.py"}  # links; the name of the system for a bug report
    assert {place for place in places if place.rpartition(":")[0] not in allowed} == set()


@pytest.mark.parametrize(
    "line",
    [
        "os.pread(1, 2, 3)",
        "os.open(path, os.O_RDONLY | os.O_NOFOLLOW)",
        "os.open(path, 0, dir_fd=3)",
        "import resource",
        "signal.signal(signal.SIGHUP, act)",
        "sys.platform == 'win32'",
        "os.name == 'nt'",
        "from fcntl import flock",
        "Popen(words, pass_fds=[3])",
    ],
)
def test_a_call_of_one_system_is_seen(line: str) -> None:
    assert of_one_system(line) == [1]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("aux.mp4", "`aux` is a device there"),
        ("NUL", "`NUL` is a device there"),
        ("com1.tar.gz", "`com1` is a device there"),
        ("COM¹", "`COM¹` is a device there"),
        ("film.", "names there do not end in a dot or a space"),
        ("film ", "names there do not end in a dot or a space"),
        ("a?.mp4", "names there have no `?`"),
        ("a|b", "names there have no `|`"),
    ],
)
def test_a_name_that_windows_cannot_have_is_found(name: str, reason: str) -> None:
    assert operating_system.why_not_on_windows(name) == reason


@pytest.mark.parametrize("name", ["auxiliary.mp4", "com10", "console.mp4", ".hidden", "a b.mp4", "ü.mp4", "lpt"])
def test_a_name_that_windows_can_have_is_not_refused(name: str) -> None:
    assert operating_system.why_not_on_windows(name) is None


@pytest.mark.parametrize(
    ("code", "text", "crashed", "killed"),
    [
        (-6, "by SIGABRT", True, False),
        (-11, "by SIGSEGV", True, False),
        (-9, "by SIGKILL", False, True),
        (-15, "by SIGTERM", False, False),
        (3, "with exit code 3", False, False),
        (0xC0000005, "by a fault (0xC0000005)", True, False),
        (0xC000013A, "with exit code 3221225786", False, False),
        (-77, "by signal 77", False, False),
    ],
)
def test_a_crash_is_told_from_a_kill(code: int, text: str, crashed: bool, killed: bool) -> None:
    end = operating_system.ProcessEnd(code)
    assert (end.text, end.crashed, end.killed) == (text, crashed, killed)
