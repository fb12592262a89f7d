"""The files of one config, read within its budget, and whose they are."""

from __future__ import annotations

import os

from msgspec.structs import replace

from lockdeck.backend.model.locks import Presence
from lockdeck.backend.model.trust import Ownership, Trust
from lockdeck.backend.openclaw.files import read_regular
from lockdeck.backend.openclaw.roots.budgets import CONFIG_BYTES, CONFIG_INCLUDES, BudgetError
from lockdeck.backend.system.accounts import our_uid
from lockdeck.backend.system.ownership import not_of_guide, ownership_of


class ConfigFileError(ValueError):
    """A file can't be used; the message says why. `absent`: there is none."""

    def __init__(self, sentence: str, *, absent: bool = False) -> None:
        super().__init__(sentence)
        self.absent = absent


class ConfigFiles:
    """Reads the files of one root's config.

    `ownership` is that of the root, or of the first file that is not ours: then none of them is. It is `vouched` where any
    of them, or anything on the way to one, is only vouched for: then all files must be of that one account, since each
    says what is done with the others. In a root that is not ours no link is followed. `paths` are all that were asked for.
    """

    def __init__(self, root: str, owners: frozenset[int]) -> None:
        self._root = root
        self._owners = owners
        self._left = CONFIG_BYTES
        self._includes = 0
        self._first_by_owner: dict[int, str] = {}
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
        self._take_up(path, ownership, content.stat.st_uid)
        try:
            return content.raw.decode().removeprefix("\ufeff")
        except UnicodeDecodeError as error:
            raise ConfigFileError(f"{path} is not UTF-8 (byte {error.start})") from error

    def _take_up(self, path: str, ownership: Ownership, uid: int) -> None:
        """Take up whose a file is: by the way to it, and by the owner `uid` of what was opened."""
        trust = Trust(our_uid(), self._owners)
        if ownership.ours and not trust.covers(uid):
            ownership = Ownership(uid, fault=f"{path} was exchanged while it was read")
        if not self.ownership.ours:
            return
        if not ownership.ours:
            self.ownership = ownership
            return
        self._first_by_owner.setdefault(uid, path)
        guides = {owner for owner in self._first_by_owner if trust.only_vouches_for(owner)}
        if ownership.vouched or self.ownership.vouched or guides:
            self.ownership = replace(self.ownership, vouched=True)
            # Of what was opened: whoever is vouched for can exchange a name in their own directory at any time.
            for owner, first in self._first_by_owner.items():
                if guides != {owner}:
                    guide = min(guides - {owner}, default=next(iter(self._owners)))
                    self.ownership = not_of_guide(first, owner, guide)

    def count_include(self) -> None:
        """Count an include, whether or not its file can be read. BudgetError."""
        self._includes += 1
        if self._includes > CONFIG_INCLUDES:
            raise BudgetError(f"it includes more than {CONFIG_INCLUDES} files")


def _is_below(path: str, root: str) -> bool:
    return path.startswith(root.rstrip("/") + "/")
