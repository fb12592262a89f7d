"""The files of one config, read within its budget, and whose they are."""

from __future__ import annotations

import os

from lockdeck.backend.model.locks import Presence
from lockdeck.backend.model.trust import Ownership, Trust
from lockdeck.backend.openclaw.files import read_regular
from lockdeck.backend.openclaw.roots.budgets import CONFIG_BYTES, CONFIG_INCLUDES, BudgetError
from lockdeck.backend.system.accounts import our_uid
from lockdeck.backend.system.ownership import ownership_of


class ConfigFileError(ValueError):
    """A file can't be used; the message says why. `absent`: there is none."""

    def __init__(self, sentence: str, *, absent: bool = False) -> None:
        super().__init__(sentence)
        self.absent = absent


class ConfigFiles:
    """Reads the files of one root's config.

    `ownership` is that of the root, or of the first file that is not ours: then none of them is. In a root that is not
    ours no link is followed. `paths` are all files that were asked for.
    """

    def __init__(self, root: str, owners: frozenset[int]) -> None:
        self._root = root
        self._owners = owners
        self._left = CONFIG_BYTES
        self._includes = 0
        self.paths: dict[str, None] = {}
        self.ownership: Ownership = ownership_of(root, owners)
        self._confined = not self.ownership.ours

    @property
    def is_own(self) -> bool:
        """Whether all that was read so far is our own, not only vouched for: our environment may be used for it."""
        return self.ownership.ours and not self.ownership.vouched

    def text(self, path: str) -> str:
        """Return the text of a file. ConfigFileError, BudgetError."""
        self.paths[path] = None
        # Asked before the file is opened: what is ours can't be exchanged by others from then on.
        ownership = ownership_of(path, self._owners, root=self._root)
        below = (
            (self._root if _is_below(path, self._root) else os.path.dirname(path)) if self._confined else None
        )
        content = read_regular(path, self._left, follow=not self._confined, below=below)
        if content.presence is Presence.ABSENT:
            raise ConfigFileError(f"{path} does not exist", absent=True)
        if content.raw and content.presence is not Presence.FILE:
            raise BudgetError(f"with {path} it has more than the {CONFIG_BYTES} bytes that are read")
        if content.presence is not Presence.FILE or content.stat is None:
            raise ConfigFileError(str(content.problem))
        self._left -= len(content.raw)
        if not Trust(our_uid(), self._owners).covers(content.stat.st_uid) and ownership.ours:
            ownership = Ownership(content.stat.st_uid, fault=f"{path} was exchanged while it was read")
        if self.ownership.ours and not ownership.ours:
            self.ownership = ownership
        try:
            return content.raw.decode().removeprefix("\ufeff")
        except UnicodeDecodeError as error:
            raise ConfigFileError(f"{path} is not UTF-8 (byte {error.start})") from error

    def count_include(self) -> None:
        """Count an include, whether or not its file can be read. BudgetError."""
        self._includes += 1
        if self._includes > CONFIG_INCLUDES:
            raise BudgetError(f"it includes more than {CONFIG_INCLUDES} files")


def _is_below(path: str, root: str) -> bool:
    return path.startswith(root.rstrip("/") + "/")
