"""Which Blocks there are, and the environment variables that fill them (.env.example)."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from prefect.blocks.core import Block
from prefect.client.orchestration import PrefectClient
from prefect.exceptions import ObjectNotFound
from prefect_email import EmailServerCredentials
from pydantic import SecretStr, ValidationError

from blocks.distribution_settings import DistributionSettings
from blocks.mail import MailSettings
from blocks.pop_game import PopGame
from deployments import connectors
from deployments.change import Change

REMEDY = "set it in .env (see .env.example) and run `make apply` again"


class VariablesWrong(Exception):
    """Some environment variables are missing or cannot be right; one line for each."""


@dataclass(frozen=True)
class Declaration:
    """A Block document: `variables` says which field comes from which environment variable."""

    document: str
    variables: Mapping[str, str]
    make: Callable[[Mapping[str, str]], Block]
    optional: frozenset[str] = frozenset()

    def missing(self, env: Mapping[str, str]) -> list[str]:
        needed = (name for field, name in self.variables.items() if field not in self.optional)
        return [name for name in needed if not env.get(name, "").strip()]

    def build(self, env: Mapping[str, str]) -> Block:
        """Return the Block, filled; call `missing` first."""
        return self.make({field: env.get(name, "").strip() for field, name in self.variables.items()})

    def explain(self, error: ValidationError, env: Mapping[str, str]) -> Iterator[str]:
        """Say which variable is wrong and why, without its value."""
        for each in error.errors():
            field = next((str(part) for part in each["loc"] if part in self.variables), "")
            name = self.variables.get(field, ".".join(map(str, each["loc"])))
            reason = each["msg"].replace(env.get(name, "") or "\0", "(value)")
            yield f"{name} is wrong, for block {self.document!r}: {reason}; {REMEDY}"


def _database(document: str, prefix: str) -> Declaration:
    return Declaration(
        document,
        {
            "username": f"{prefix}USER",
            "password": f"{prefix}PASSWORD",
            "host": f"{prefix}HOST",
            "port": f"{prefix}PORT",
            "database": f"{prefix}NAME",
        },
        connectors.postgresql,
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


def _distribution_settings(values: Mapping[str, str]) -> Block:
    return DistributionSettings.model_validate({name: value for name, value in values.items() if value})


def _mail_settings(values: Mapping[str, str]) -> Block:
    recipients = [address.strip() for address in values["recipients"].split(",") if address.strip()]
    return MailSettings(sender=values["sender"], recipients=recipients)


def _mail(values: Mapping[str, str]) -> Block:
    secret = {"username": values["username"] or None, "password": SecretStr(values["password"])}
    credentials: Block = EmailServerCredentials.model_validate({**values, **secret})
    return credentials


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
        _distribution_settings,
        frozenset({"dssb_schema", "source", "mirror"}),
    ),
    Declaration(
        "campaign-mail",
        {"sender": "EMAIL_SENDER", "recipients": "CAMPAIGN_NOTIFICATION_EMAILS"},
        _mail_settings,
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
