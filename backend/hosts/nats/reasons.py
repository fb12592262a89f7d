"""Why a NATS server could not be spoken with, in a sentence."""

from __future__ import annotations

import ssl

import nats.errors
import nats.js.errors

_NOT_LET_IN = (
    "the server does not let us in: NATS_NKEY, NATS_CREDS, or NATS_USER and NATS_PASSWORD say who we are"
)
_SENTENCES: tuple[tuple[type[Exception], str], ...] = (
    (ConnectionRefusedError, "connection refused"),
    (nats.errors.AuthorizationError, _NOT_LET_IN),
    (nats.errors.SecureConnWantedError, "the server offers no TLS, so nothing was said to it"),
    (nats.errors.StaleConnectionError, "the server is gone"),
    (nats.errors.ConnectionClosedError, "the server is gone"),
    (
        nats.js.errors.ServiceUnavailableError,
        "the server has no JetStream for us, or too few of its cluster are there",
    ),
    (nats.js.errors.NoStreamResponseError, "the server has none that would keep it now"),
    (TimeoutError, "it did not answer in time"),
)


def reason_of(error: BaseException | None) -> str:
    """Say why it ended with this error; None: without any."""
    if error is None:
        return "the server ended the connection"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the server's certificate is not to be trusted: {error.verify_message}"
    for kind, sentence in _SENTENCES:
        if isinstance(error, kind):
            return sentence
    if isinstance(error, nats.js.errors.APIError):
        return f"the server refuses: {error.description}"
    # What nats-py makes of a refusal while it connects is a plain error.
    return _NOT_LET_IN if "Authorization Violation" in str(error) else str(error) or type(error).__name__
