"""A plan as a person wrote it: the texts of its files, kept together, since a plan's versions are journal records."""

import hashlib
from pathlib import Path

import msgspec

from parallax.loading.document import read_text
from parallax.loading.problems import LoadErrors, Problem

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


def read_plan_source(path: Path) -> PlanSource:
    """The texts of one plan file, or of a folder's *.toml (not those of folders within, nor hidden ones). Raises
    PlanErrors."""
    if not path.is_dir():
        paths = [path]
    else:
        try:
            paths = sorted(p for p in path.glob("*.toml") if not p.name.startswith(".") and not p.is_dir())
        except OSError as error:
            raise PlanErrors([Problem(file=str(path), message=f"cannot be read: {error.strerror}")]) from None
        if not paths:
            raise PlanErrors([Problem(file=str(path), message="has no *.toml file; a plan is one file or a folder")])
        if len(paths) > MAX_FILES:
            raise PlanErrors([Problem(file=str(path), message=f"has more than {MAX_FILES} *.toml files")])
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
