"""What a host account shows Google's library to be let in."""

from google.auth.credentials import Credentials
from google.auth.exceptions import GoogleAuthError
from google.oauth2.credentials import Credentials as UserCredentials
from google.oauth2.service_account import Credentials as ServiceCredentials

from blocks.meet_host import Host, ServiceHost, TokenHost
from blocks.meet_problem import MeetRefusesUs

SCOPE = "https://www.googleapis.com/auth/meetings.space.created"


def credentials(block: str, name: str, host: Host) -> Credentials:
    """Return the library's credentials; asks nobody anything yet.

    Raises:
        MeetRefusesUs: a service account's key that is none.
    """
    if isinstance(host, TokenHost):
        return UserCredentials(host.token.get_secret_value())  # type: ignore[no-untyped-call]
    if isinstance(host, ServiceHost):
        return _of_service(block, name, host)
    # Not `from_authorized_user_info`, which leaves token_uri out.
    return UserCredentials(  # type: ignore[no-untyped-call]
        None,
        refresh_token=host.refresh_token.get_secret_value(),
        client_id=host.client_id,
        client_secret=host.client_secret.get_secret_value(),
        token_uri=host.token_uri,
    )


def _of_service(block: str, name: str, host: ServiceHost) -> Credentials:
    info = {
        "client_email": host.client_email,
        "private_key": host.private_key.get_secret_value(),
        "token_uri": host.token_uri,
    }
    try:
        found: Credentials = ServiceCredentials.from_service_account_info(  # type: ignore[no-untyped-call]
            info, scopes=[SCOPE], subject=host.subject
        )
    except (GoogleAuthError, ValueError):
        reason = "its service account's private_key cannot be read"
        raise MeetRefusesUs(block=block, host=name, reason=reason) from None
    return found
