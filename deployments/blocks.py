"""Which Blocks there are, and the environment variables that fill them (.env.example)."""

from collections.abc import Callable, Mapping
from functools import partial

from prefect.blocks.core import Block
from prefect.client.orchestration import PrefectClient
from prefect.exceptions import ObjectNotFound
from prefect_email import EmailServerCredentials
from pydantic import SecretStr, ValidationError

from blocks.distribution_settings import DistributionSettings
from blocks.mail import MailSettings
from blocks.payout_settings import PayoutSettings
from blocks.pop_game import PopGame
from deployments import connectors, contract, meeting, messaging
from deployments.change import Change
from deployments.declaration import REMEDY, Declaration, from_given


class VariablesWrong(Exception):
    """Some environment variables are missing or cannot be right; one line for each."""


def _database(
    document: str, prefix: str, make: Callable[[Mapping[str, str]], Block] = connectors.postgresql
) -> Declaration:
    return Declaration(
        document,
        {
            "username": f"{prefix}USER",
            "password": f"{prefix}PASSWORD",
            "host": f"{prefix}HOST",
            "port": f"{prefix}PORT",
            "database": f"{prefix}NAME",
        },
        make,
    )


def _oracle(document: str, prefix: str) -> Declaration:
    """A SID is the address of old; a service name, where given, comes before it."""
    return Declaration(
        document,
        {
            "username": f"{prefix}USER",
            "password": f"{prefix}PASSWORD",
            "host": f"{prefix}HOST",
            "port": f"{prefix}PORT",
            "database": f"{prefix}SID",
            "service_name": f"{prefix}SERVICE_NAME",
            "dialect": f"{prefix}DIALECT",
        },
        connectors.oracle,
        frozenset({"database", "service_name", "dialect"}),
    )


def _mail_settings(values: Mapping[str, str]) -> Block:
    recipients = [address.strip() for address in values["recipients"].split(",") if address.strip()]
    return MailSettings(sender=values["sender"], recipients=recipients)


def _mail(values: Mapping[str, str]) -> Block:
    secret = {"username": values["username"] or None, "password": SecretStr(values["password"])}
    credentials: Block = EmailServerCredentials.model_validate({**values, **secret})
    return credentials


PAYOUT = {
    "token_decimals": "PAYOUT_TOKEN_DECIMALS",
    "tokens_per_coin": "PAYOUT_TOKENS_PER_COIN",
    "least_coins": "PAYOUT_LEAST_COINS",
    "users": "PAYOUT_USERS",
    "id_column": "PAYOUT_ID_COLUMN",
    "coins_column": "PAYOUT_COINS_COLUMN",
    "wallet_column": "PAYOUT_WALLET_COLUMN",
    "deadline_s": "PAYOUT_DEADLINE_S",
    "patience_s": "PAYOUT_PATIENCE_S",
}
DECLARED = (
    _database("pop-db", "DB_"),
    Declaration(
        "pop-game",
        {"url": "POP_GAME_URL", "token": "POP_GAME_TOKEN", "origin": "POP_GAME_ORIGIN"},
        PopGame.model_validate,
    ),
    _database("state-db", "STATE_DB_"),
    Declaration(
        "mail",
        {
            "smtp_server": "SMTP_SERVER",
            "smtp_port": "SMTP_PORT",
            "smtp_type": "SMTP_TYPE",
            "username": "SMTP_USERNAME",
            "password": "SMTP_PASSWORD",
        },
        _mail,
        frozenset({"username", "password"}),
    ),
    Declaration(
        "mail-settings", {"sender": "EMAIL_SENDER", "recipients": "ALERT_RECIPIENTS"}, _mail_settings
    ),
    _oracle("dssb-db", "ORACLE_"),
    _oracle("spss-db", "SPSS_ORACLE_"),
    Declaration(
        "distribution-settings",
        {
            "salt": "DISTRIBUTION_SALT",
            "dssb_schema": "DISTRIBUTION_DSSB_SCHEMA",
            "source": "DISTRIBUTION_SOURCE",
            "mirror": "DISTRIBUTION_MIRROR",
        },
        from_given(DistributionSettings),
        frozenset({"dssb_schema", "source", "mirror"}),
    ),
    Declaration(
        "campaign-mail",
        {"sender": "EMAIL_SENDER", "recipients": "CAMPAIGN_NOTIFICATION_EMAILS"},
        _mail_settings,
    ),
    _database(
        "game-db", "GAME_DB_", partial(connectors.postgresql, command_timeout_s=connectors.BULK_TIMEOUT_S)
    ),
    Declaration("jobs-contract", contract.VARIABLES, contract.jobs_contract, contract.OPTIONAL),
    Declaration("meet", meeting.VARIABLES, meeting.meet, meeting.OPTIONAL),
    Declaration("broker", messaging.VARIABLES, messaging.broker, messaging.OPTIONAL),
    Declaration(
        "payout-settings", PAYOUT, from_given(PayoutSettings), frozenset(PAYOUT) - {"token_decimals"}
    ),
)


def build(env: Mapping[str, str]) -> dict[str, Block]:
    """Return every Block by its document's name.

    Raises:
        VariablesWrong: names ALL variables that are missing or wrong, never a value.
    """
    blocks: dict[str, Block] = {}
    wrong: list[str] = []
    for declaration in DECLARED:
        missing = declaration.missing(env)
        wrong += [f"{name} is empty, for block {declaration.document!r}: {REMEDY}" for name in missing]
        if not missing:
            try:
                blocks[declaration.document] = declaration.build(env)
            except ValidationError as error:
                wrong += declaration.explain(error, env)
            except ValueError as error:
                wrong.append(f"{declaration.document}: {error}; {REMEDY}")
    if wrong:
        raise VariablesWrong("\n".join(wrong))
    return blocks


async def save(client: PrefectClient, name: str, block: Block) -> Change:
    """Write the Block when what the server has differs, secrets included."""
    try:
        known = await client.read_block_document_by_name(name, block.get_block_type_slug())
    except ObjectNotFound:
        known = None
    if known and known.data == block.model_dump(
        mode="json", by_alias=True, include=set(known.data), context={"include_secrets": True}
    ):
        return Change.UNCHANGED
    await block.asave(name, overwrite=True)
    return Change.UPDATED if known else Change.CREATED
