"""Codes of a second factor: by time (RFC 6238), and those that stand in for it once. `pyotp` is imported late."""

import base64
import hashlib
import hmac
from collections.abc import Sequence

from comity.interfaces import Entropy

STEP_US = 30 * 1_000_000
STEPS_APART = 1
"""So far the clocks of a person's device and of the node may be apart (RFC 6238 section 5.2)."""
SECRET_BYTES = 20
RECOVERY_CODES = 10
RECOVERY_BYTES = 10
"""80 bits, so that a digest of a code gives nothing away."""


def step_of(secret: str, code: str, now: int) -> int | None:
    """The step of time of which this is the code, near the instant (microseconds since 1970); None for no code."""
    import pyotp

    made = pyotp.TOTP(secret)
    plain = "".join(code.split())
    near = now // STEP_US
    found = None
    # All are compared, so that the time it takes says nothing.
    for step in range(near - STEPS_APART, near + STEPS_APART + 1):
        if hmac.compare_digest(made.generate_otp(step).encode(), plain.encode("utf-8", "surrogatepass")):
            found = step
    return found


def new_secret(key: bytes, *of: str) -> str:
    """A secret for codes by time, in base32: the same one each time of the same, so that nothing is kept before it is
    confirmed."""
    digest = hmac.digest(key, "\0".join(("second factor", *of)).encode(), "sha256")
    return base64.b32encode(digest[:SECRET_BYTES]).decode()


def address_of(secret: str, name: str, issuer: str) -> str:
    """What an authenticator reads out of the picture (otpauth)."""
    import pyotp

    return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=issuer)


def new_recovery_codes(entropy: Entropy) -> list[str]:
    """Codes of which each stands in once, in groups that can be copied by hand."""
    texts = [base64.b32encode(entropy.token_bytes(RECOVERY_BYTES)).decode().lower() for _ in range(RECOVERY_CODES)]
    return ["-".join(text[place : place + 4] for place in range(0, len(text), 4)) for text in texts]


def digest_of_code(code: str) -> str:
    """What is kept of a recovery code, however it is typed."""
    plain = "".join(each for each in code.lower() if each.isalnum())
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()


def recovery_code_of(code: str, kept: Sequence[str]) -> str | None:
    """The digest of that code, if it is one of these; each is compared."""
    given = digest_of_code(code)
    found = [one for one in kept if hmac.compare_digest(one, given)]
    return found[0] if found else None
