"""What the bank's databases call their tables, and the salt that makes the split unpredictable."""

import re

from prefect.blocks.core import Block
from pydantic import Field, SecretStr, field_validator

SALT_MIN = 16
_NAME = re.compile(r"[A-Za-z][\w$#]*")
_TABLE = re.compile(rf"{_NAME.pattern}\.{_NAME.pattern}")


class DistributionSettings(Block):
    """Names of tables, and the salt; the databases are the blocks `dssb-db` and `spss-db`."""

    _block_type_name = "Distribution Settings"
    _block_type_slug = "distribution-settings"
    _description = "Tables of the daily distribution, and its secret salt."

    salt: SecretStr = Field(description="Secret; who has it can foretell who gets where. Never change it.")
    dssb_schema: str = Field(default="DSSB_APP", description="Schema of the SC_ and SoftCollection_ tables.")
    source: str = Field(default="SPSS_USER_DRACRM.SC_1_120", description="Users by COUNT_DAY, in SPSS.")
    mirror: str = Field(default="SPSS.SC_theory_users", description="Copy of the target rows, in SPSS.")

    @field_validator("salt")
    @classmethod
    def _is_long(cls, salt: SecretStr) -> SecretStr:
        if len(salt.get_secret_value()) < SALT_MIN:
            raise ValueError(f"must have at least {SALT_MIN} characters: see DISTRIBUTION_SALT")
        return salt

    @field_validator("dssb_schema")
    @classmethod
    def _is_name(cls, name: str) -> str:
        if not _NAME.fullmatch(name):
            raise ValueError("must be one plain name, say DSSB_APP")
        return name

    @field_validator("source", "mirror")
    @classmethod
    def _is_table(cls, name: str) -> str:
        if not _TABLE.fullmatch(name):
            raise ValueError("must be SCHEMA.TABLE, both plain names")
        return name
