"""The second factor: a member's seed for codes, sealed, and the newest code that was used."""

import json
from dataclasses import asdict, dataclass, replace

import pyotp
from sqlalchemy.engine import Row

from growthbench.store.keyring import Keyring
from growthbench.store.passwords import code_number


@dataclass(frozen=True)
class SecondFactor:
    """Codes by time (RFC 6238).

    Attributes
    ----------
    seed : str
        Base32.
    last : int
        Number of the newest 30 s period of which a code was used; neither it nor any before counts again.
    on : bool
        Whether a first code was seen; before, it is asked for by nobody.
    """

    seed: str
    last: int = 0
    on: bool = False

    @classmethod
    def fresh(cls) -> "SecondFactor":
        """A new seed, not yet on."""
        return cls(pyotp.random_base32())

    @classmethod
    def of(cls, row: Row, keyring: Keyring) -> "SecondFactor | None":
        """A member's, None without."""
        if row.totp is None:
            return None
        return cls(**json.loads(keyring.unseal(row.totp, about_totp(row.tenant_id, row.member_id))))

    def used(self, code: str) -> "SecondFactor | None":
        """This one after a code was used, and on; None if the code does not count."""
        number = code_number(self.seed, code, self.last)
        return None if number is None else replace(self, last=number, on=True)

    def sealed(self, row: Row, keyring: Keyring) -> bytes:
        """As it is stored in a member's row."""
        return keyring.seal(json.dumps(asdict(self)).encode(), about_totp(row.tenant_id, row.member_id))

    def address(self, email: str) -> str:
        """The ``otpauth://`` address that is shown as a QR code, once."""
        return pyotp.TOTP(self.seed, name=email, issuer="growthbench").provisioning_uri()


def about_totp(tenant: str, member_id: str) -> bytes:
    """What the seal of a member's seed is about: needed to seal it anew after a rotation of the key ring."""
    return f"members.totp/{tenant}/{member_id}".encode()
