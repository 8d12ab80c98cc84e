"""The accounts that own our rooms: by name, each with Google's own JSON of its credentials. Asks nobody anything."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    TypeAdapter,
    ValidationError,
)

LOOPBACK = {"127.0.0.1", "::1", "localhost"}
TOKEN_URI = "https://oauth2.googleapis.com/token"  # noqa: S105 - where tokens come from
# Google writes more into its files than we need; what is wrong with a value is told, never the value.
DISCREET = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)


def is_safe(url: str) -> bool:
    """Tell whether a secret may be sent there: https, or this machine.

    >>> [is_safe(url) for url in ("https://meet.example", "http://127.0.0.1:80", "http://meet.example")]
    [True, True, False]
    """
    try:
        parts = urlsplit(url)
        known = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return known and (parts.scheme == "https" or (parts.scheme == "http" and is_local(url)))


def is_local(url: str) -> bool:
    return urlsplit(url).hostname in LOOPBACK


def _safe(url: str) -> str:
    if not is_safe(url):
        raise ValueError("is neither https nor on this machine")
    return url


TokenUri = Annotated[str, AfterValidator(_safe)]
Text = Annotated[SecretStr, Field(min_length=1)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,30}$")]


class UserHost(BaseModel):
    """A person's account, whose owner agreed once to the scope meetings.space.created."""

    model_config = DISCREET

    type: Literal["authorized_user"]
    client_id: str
    client_secret: Text
    refresh_token: Text
    token_uri: TokenUri = TOKEN_URI


class ServiceHost(BaseModel):
    """The account `subject`, a mail address, for which a service account acts by domain-wide delegation."""

    model_config = DISCREET

    type: Literal["service_account"]
    client_email: str
    private_key: Text
    token_uri: TokenUri = TOKEN_URI
    subject: str = Field(pattern=r"^[^@\s]+@[^@\s]+$")


class TokenHost(BaseModel):
    """A token that is sent as it is and never renewed: for a server on this machine alone, see `Meet`."""

    model_config = DISCREET

    type: Literal["token"]
    token: Text


Host = UserHost | ServiceHost | TokenHost
_HOSTS: TypeAdapter[dict[str, Host]] = TypeAdapter(
    Annotated[dict[Name, Annotated[Host, Field(discriminator="type")]], Field(min_length=1)],
    config=ConfigDict(hide_input_in_errors=True),
)


def read(hosts: Mapping[str, Any]) -> dict[str, Host]:
    """Return the accounts by name.

    Raises:
        ValueError: says where it is wrong and how, without a value.
    """
    try:
        return _HOSTS.validate_python(hosts)
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, each['loc'])) or 'hosts'}: {each['msg']}" for each in error.errors()]
        raise ValueError("; ".join(problems)) from None
