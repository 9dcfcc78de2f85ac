"""A plan as a person wrote it: the texts of its files, kept together, since a plan's versions are journal records."""

import hashlib
from pathlib import Path

import msgspec

from parallax.loading.document import read_text
from parallax.loading.problems import LoadErrors, Problem

CALENDARS = ".ics"
"""How a calendar that stands beside a folder's *.toml is called."""
MAX_FILES = 1000
MAX_CHARACTERS = 8_000_000


class PlanErrors(LoadErrors):
    """A plan was refused; `problems` holds everything that is wrong with it."""


class PlanSource(msgspec.Struct, frozen=True):
    """File name (without folder) to text, in name order: the order in which the files are read together."""

    files: dict[str, str]

    @property
    def hash(self) -> str:
        """16 hex digits that change with every character of the files, comments too."""
        return hashlib.blake2b(msgspec.json.encode(sorted(self.files.items())), digest_size=8).hexdigest()


def is_calendar_file(name: str) -> bool:
    return name.endswith(CALENDARS)


def plan_paths(path: Path) -> list[Path]:
    """The files of a plan: one file, or a folder's *.toml and *.ics, in name order (not those of folders within, nor
    hidden ones). Raises OSError."""
    if not path.is_dir():
        return [path]
    found = (each for ending in ("*.toml", f"*{CALENDARS}") for each in path.glob(ending))
    return sorted(each for each in found if not each.name.startswith(".") and not each.is_dir())


def read_plan_source(path: Path) -> PlanSource:
    """The texts of one plan file, or of a folder's files. Raises PlanErrors."""
    try:
        paths = plan_paths(path)
    except OSError as error:
        raise PlanErrors([Problem(file=str(path), message=f"cannot be read: {error.strerror}")]) from None
    if all(is_calendar_file(each.name) for each in paths) and path.is_dir():
        raise PlanErrors([Problem(file=str(path), message="has no *.toml file; a plan is one file or a folder")])
    if len(paths) > MAX_FILES:
        raise PlanErrors([Problem(file=str(path), message=f"has more than {MAX_FILES} *.toml and *.ics files")])
    problems: list[Problem] = []
    files: dict[str, str] = {}
    for file in paths:
        text = read_text(file)
        if isinstance(text, Problem):
            problems.append(text)
        else:
            files[file.name] = text
    if sum(map(len, files.values())) > MAX_CHARACTERS:
        problems.append(Problem(file=str(path), message="is larger than 8 MB in all"))
    if problems:
        raise PlanErrors(problems)
    return PlanSource(files)
