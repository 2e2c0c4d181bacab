"""What a home's PostgreSQL leaves on disk: data, socket, lock files, and who may touch them.

A lock file is believed only when its process is seen: process ids are used again after a reboot
or in a new container, and the id in an old file may by then belong to anything.
"""

import hashlib
import os
import pwd
import re
import socket
import stat
import struct
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from services.identity.domain.errors import UsageError

SERVER_USER = "plait_postgres"  # PostgreSQL refuses to run as root
SOCKET_PATH_BYTES_MAX = 107  # sun_path of Linux holds 108 with its closing zero; others hold 104
PLAIN_PATH = re.compile(r"[A-Za-z0-9_./+-]+")  # what a shell, libpq and a URL all read as it is
NO_PROCESS = 2**22 + 1  # above the largest process id of Linux
SHORT_PATHS = Path("/tmp")  # noqa: S108  # found by every command, whatever its TMPDIR; see make_socket_directory
SOCKET_NAME = ".s.PGSQL.5432"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerFiles:
    home: Path
    data: Path
    socket_directory: Path

    @classmethod
    def of(cls, home: Path) -> "ServerFiles":
        data = home / "pg"
        return cls(home=home, data=data, socket_directory=_socket_directory(data))

    @property
    def log(self) -> Path:
        return self.data / "server.log"

    @property
    def lock_file(self) -> Path:
        return self.data / "postmaster.pid"

    def url(self) -> str:
        return f"postgresql://postgres@/postgres?host={quote(str(self.socket_directory))}"

    def make_home(self) -> None:
        try:
            self.home.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"the home cannot be made: {error.strerror}") from error
        if self.data.exists() and os.geteuid() not in {0, self.data.stat().st_uid}:
            raise UsageError("this home's database belongs to another user; take another --home")

    def listening_pid(self) -> int | None:
        """The process that listens on this home's socket, if its lock file names the same one."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(5)
            try:
                client.connect(str(self.socket_directory / SOCKET_NAME))
            except OSError:
                return None
            size = struct.calcsize("3i")
            credentials = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
        listener: int = struct.unpack("3i", credentials)[0]
        return listener if listener == _pid_in(self.lock_file) else None

    def is_ready(self) -> bool:
        """PostgreSQL writes its state into the last line of its lock file."""
        with suppress(OSError):
            lines = self.lock_file.read_text().split("\n")
            return len(lines) > 7 and lines[7].strip() == "ready"  # noqa: PLR2004  # eighth line
        return False

    def is_gone(self) -> bool:
        return not self.lock_file.exists()

    def last_words(self) -> str:
        with suppress(OSError):
            return self.log.read_text(errors="replace")[-500:].strip()
        return "it left no log"

    def forget_stale_locks(self) -> None:
        """Make lock files of a process that is no longer ours look as dead as they are.

        The process id is replaced and the file kept, so that PostgreSQL still makes its own check
        of shared memory that an unfinished server may hold.
        """
        for path in (self.lock_file, self.socket_directory / f"{SOCKET_NAME}.lock"):
            with suppress(FileNotFoundError):
                pid = _pid_in(path)
                if pid is None:
                    path.unlink()  # torn by a crash: PostgreSQL would refuse to go on
                elif not self._may_be_ours(pid):
                    rest = path.read_text().partition("\n")[2]
                    path.write_text(f"{NO_PROCESS}\n{rest}")

    def make_socket_directory(self) -> None:
        """Only for a home whose path is too long; nobody else may have made it before us."""
        if self.socket_directory == self.data:
            return
        owner = self.data.stat().st_uid
        with suppress(FileExistsError):
            self.socket_directory.mkdir(mode=0o700)
            os.chown(self.socket_directory, owner, -1)
        found = self.socket_directory.lstat()
        if found.st_uid != owner or not stat.S_ISDIR(found.st_mode) or found.st_mode & 0o077:
            raise UsageError(f"{self.socket_directory} belongs to someone else; move the home")

    def server_user(self) -> int | None:
        """The user id to run the server as; None when that is who we are."""
        if os.geteuid() != 0:
            return None
        if (self.data / "PG_VERSION").exists() and self.data.stat().st_uid != 0:
            return self.data.stat().st_uid
        with suppress(KeyError):
            return pwd.getpwnam(SERVER_USER).pw_uid
        command = ["useradd", "--system", "--no-create-home", SERVER_USER]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=30)  # noqa: S603  # fixed words
        except (OSError, subprocess.SubprocessError):
            return pwd.getpwnam("nobody").pw_uid  # a small container may lack useradd
        return pwd.getpwnam(SERVER_USER).pw_uid

    @staticmethod
    def group(user: int) -> int:
        return pwd.getpwuid(user).pw_gid

    def _may_be_ours(self, pid: int) -> bool:
        """A server works in its data directory; where that cannot be seen, assume the worst."""
        try:
            return Path(f"/proc/{pid}/cwd").readlink() == self.data
        except FileNotFoundError:
            return not Path("/proc/self").exists()
        except OSError:
            return True


def open_to_server_user(*paths: Path) -> None:
    """Let the server's user reach these folders, and read the programs among them."""
    for path in paths:
        for folder in path.parents:
            mode = folder.stat().st_mode
            if not mode & stat.S_IXOTH:
                folder.chmod(mode | stat.S_IXOTH)
    programs = paths[0]
    if (programs / "bin" / "postgres").stat().st_mode & stat.S_IXOTH:
        return
    for path in (programs, *programs.rglob("*")):  # installed under a strict umask
        mode = path.stat().st_mode
        path.chmod(mode | stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0))


def _socket_directory(data: Path) -> Path:
    """The data directory, or a short stand-in where a socket's address could not hold it."""
    length = len(os.fsencode(data / SOCKET_NAME))
    if length <= SOCKET_PATH_BYTES_MAX and PLAIN_PATH.fullmatch(str(data)):
        return data
    digest = hashlib.blake2b(os.fsencode(data), digest_size=8).hexdigest()
    return SHORT_PATHS / f"plait-{digest}"


def _pid_in(lock_file: Path) -> int | None:
    try:
        return abs(int(lock_file.read_text().partition("\n")[0]))
    except (OSError, ValueError):
        return None
