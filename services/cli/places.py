"""Where a command works: a home's folder, or the folder of state that belongs to a configuration.

The folder of a configuration holds what runs on this machine and the keys that were given out here;
its data lie in the database that the configuration names.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from services.identity.domain.errors import UsageError

if TYPE_CHECKING:  # a home has none, and pydantic costs every command a fifth of a second
    from services.cli.config import Configuration

POINTER_FILE = "configuration"  # in a folder of state: the file that it belongs to


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """`file` and `config` are None for a home, whose database is its own."""

    folder: Path
    file: Path | None = None
    config: "Configuration | None" = None

    def option(self) -> tuple[str, str]:
        """How a command is told of it."""
        if self.file is not None:
            return "--config", str(self.file)
        return "--home", str(self.folder)

    def make_folder(self) -> None:
        """A home's folder is made with its database; this one with its way back."""
        if self.file is None:
            return
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            (self.folder / POINTER_FILE).write_text(str(self.file))
        except OSError as error:
            raise UsageError(
                f"the folder {self.folder} cannot be made ({error.strerror});"
                " name another as `state` in the configuration"
            ) from None


def place_of(path: Path) -> Place:
    """A folder is a home, a file is a configuration. Raises UsageError for a file that is none."""
    path = path.expanduser().resolve()
    if path.is_file():
        from services.cli.config import read_configuration

        config = read_configuration(path)
        folder = config.state or path.parent / f".plait-{path.stem}"
        return Place(folder=folder, file=path, config=config)
    pointer = path / POINTER_FILE
    if pointer.is_file():
        return place_of(Path(pointer.read_text()))
    return Place(folder=path)
