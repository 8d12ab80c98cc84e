"""Who asks: host accounts by their token, and tokens for whoever shows a refresh token or a service account's word."""

import base64
import json
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from sandbox.meet.refusal import MeetRefusal

LIFETIME_S = 3600


class Login:
    """An account's secret is its token, and its refresh token too; what is given for that one is a token as well.

    Args:
        secret_of: each account's secret, by the account's name.
    """

    def __init__(self, secret_of: Mapping[str, str]) -> None:
        self.accounts = list(secret_of)
        self._accounts = {secret: account for account, secret in secret_of.items()}
        self._issued: dict[str, str] = {}
        self._revoked: set[str] = set()

    def account(self, authorization: str) -> str:
        """Return the account of an Authorization header.

        Raises:
            MeetRefusal: nobody's.
        """
        token = authorization.removeprefix("Bearer ")
        account = self._accounts.get(token) or self._issued.get(token)
        if account is None or account in self._revoked:
            raise MeetRefusal(401, "Request had invalid authentication credentials.")
        return account

    def revoke(self, account: str | None) -> None:
        """Refuse an account from now on; None accepts all of them again."""
        self._revoked = self._revoked | {account} if account else set()

    def issue(self, body: bytes) -> tuple[int, dict[str, Any]]:
        """Answer a request to the token endpoint: status and JSON. A signature is not looked at."""
        asked = dict(parse_qsl(body.decode()))
        if asked.get("grant_type") == "refresh_token":
            account = self._accounts.get(asked.get("refresh_token", ""))
        else:
            account = _claims(asked.get("assertion", "")).get("sub", "").partition("@")[0]
        if account not in self.accounts or account in self._revoked:
            return 400, {"error": "invalid_grant", "error_description": "Token has been expired or revoked."}
        token = secrets.token_urlsafe(18)
        self._issued[token] = account
        return 200, {"access_token": token, "expires_in": LIFETIME_S, "token_type": "Bearer"}


def _claims(assertion: str) -> dict[str, str]:
    try:
        payload = assertion.split(".")[1]
        return dict(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))))
    except (IndexError, ValueError):
        return {}
