"""What an account has earned: when it stops being new, and when it is trusted."""

import hashlib
from datetime import datetime, timedelta

from pydantic import AwareDatetime, BaseModel

NEW_FOR = timedelta(days=14)
ACCEPTED_TO_BE_KNOWN = 10
"""An account is new while it is younger than this and has fewer accepted proposals than that."""

LOOKED_AT = 10
FORGIVEN = 1
"""Trusted: so many decided proposals, and at most one refused among the last of them."""


class Contributor(BaseModel):
    """An account's record; its address is known by a keyed digest only."""

    id: str
    since: AwareDatetime | None = None
    fingerprint: str | None = None
    accepted: int = 0
    refused: int = 0
    recent: list[bool] = []
    """The last decided proposals, oldest first: whether each was accepted."""
    revision: int = 0

    def is_new(self, at: datetime) -> bool:
        """Whether it may propose only."""
        young = self.since is None or at - self.since < NEW_FOR
        return young and self.accepted < ACCEPTED_TO_BE_KNOWN

    @property
    def trusted(self) -> bool:
        """Whether what it adds to empty fields goes online at once."""
        return len(self.recent) >= LOOKED_AT and self.recent.count(False) <= FORGIVEN

    @property
    def standing(self) -> str:
        """Why it is trusted or not, for the person."""
        lost = self.recent.count(False)
        if self.trusted:
            return (
                f"Sur vos {LOOKED_AT} dernières propositions, "
                f"{LOOKED_AT - lost} ont été acceptées : les informations que vous ajoutez là où "
                "il n'y en avait pas sont mises en ligne tout de suite."
            )
        if lost > FORGIVEN:
            return (
                f"{lost} de vos {len(self.recent)} dernières propositions n'ont pas été retenues. "
                f"Avec {LOOKED_AT - FORGIVEN} propositions acceptées sur les {LOOKED_AT} "
                "dernières, vos ajouts seront mis en ligne tout de suite."
            )
        missing = LOOKED_AT - len(self.recent)
        return (
            f"Encore {missing} proposition{'s' if missing > 1 else ''} acceptée"
            f"{'s' if missing > 1 else ''}, et vos ajouts seront mis en ligne tout de suite."
        )

    def after(self, *, accepted: bool, by_silence: bool = False) -> "Contributor":
        """The record after one more decision; trust comes from people's, not from silence."""
        recent = self.recent if by_silence else [*self.recent, accepted][-LOOKED_AT:]
        return self.model_copy(
            update={
                "accepted": self.accepted + accepted,
                "refused": self.refused + (not accepted),
                "recent": recent,
                "revision": self.revision + 1,
            }
        )

    def cleared(self) -> "Contributor":
        """The record once a refusal was overturned: as if it had been an acceptance."""
        recent = [*self.recent]
        if False in recent:
            recent[-1 - recent[::-1].index(False)] = True
        return self.model_copy(
            update={
                "accepted": self.accepted + 1,
                "refused": max(self.refused - 1, 0),
                "recent": recent,
                "revision": self.revision + 1,
            }
        )


class Fingerprints:
    """Digests of addresses under the keys of `LINK_KEY`: equal people are seen, none is kept."""

    def __init__(self, keys: str) -> None:
        self._keys = [
            hashlib.sha256(b"fingerprint" + key.strip().encode()).digest()
            for key in keys.split(",")
            if key.strip()
        ]

    def of(self, address: str) -> str:
        """The digest to keep."""
        return self._digest(self._keys[0], address)

    def all(self, address: str | None) -> frozenset[str]:
        """Every digest under which the same address may have been kept."""
        return (
            frozenset(self._digest(key, address) for key in self._keys) if address else frozenset()
        )

    @staticmethod
    def _digest(key: bytes, address: str) -> str:
        name, _, host = address.strip().casefold().rpartition("@")
        # name+anything reaches the same person
        plain = f"{name.partition('+')[0]}@{host}"
        return hashlib.blake2b(plain.encode(), key=key, digest_size=16).hexdigest()


def same_person(one: Contributor, other_id: str, fingerprints: frozenset[str]) -> bool:
    """Whether an account is another one's, by its id or its address."""
    return one.id == other_id or one.fingerprint in fingerprints
