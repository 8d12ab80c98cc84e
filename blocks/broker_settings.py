"""Settings of the broker, as they stand in the Block. Asks nobody anything."""

from typing import Annotated, Self

from pydantic import BaseModel, Field, SecretStr, model_validator

# What AMQP lets a name be; the driver refuses others only when they are used.
Name = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_.:@#,/+ -]+$", max_length=127)]


class BrokerSettings(BaseModel):
    """Names on the broker are those of the service that was there before us, in production."""

    host: str = Field(description="Host of the broker, without amqp://.")
    port: int = Field(default=5672, ge=1, le=65_535, description="5672 is usual, 5671 with TLS.")
    vhost: str = Field(default="/", description="Virtual host.")
    user: str = Field(description="Our user there.")
    password: SecretStr = Field(description="Its password.")
    tls: bool = Field(default=False, description="Whether the broker is spoken to over TLS.")

    exchange: Name = Field(
        default="chathub_direct_main", description="Direct exchange that all messages go through."
    )
    key_to_us: Name = Field(default="date_maker_prod", description="Routing key of what the bot asks of us.")
    key_to_bot: Name = Field(default="tg_bot_prod", description="Routing key of what we tell the bot.")
    queue: Name = Field(default="chathub_date_maker_prod", description="Our queue, bound to the key to us.")
    dead_letter_exchange: Name = Field(
        default="chathub_dead_letters", description="Direct exchange of what nobody could understand."
    )
    dead_letter_queue: Name = Field(
        default="chathub_date_maker_dead", description="Where that waits for a person."
    )
    declare: bool = Field(
        default=False,
        description="Create exchange, queues and bindings that are missing, instead of only looking.",
    )

    prefetch: int = Field(
        default=50, ge=1, le=10_000, description="Most messages that we have and did not acknowledge."
    )
    timeout_s: float = Field(
        default=10.0, gt=0, le=120, description="Longest time for one answer or confirm."
    )
    heartbeat_s: int = Field(
        default=10, ge=1, le=600, description="A line that is silent for three of these counts as broken."
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.key_to_us == self.key_to_bot:
            raise ValueError("key to us and key to the bot are the same: we would read our own messages")
        if self.queue == self.dead_letter_queue or self.exchange == self.dead_letter_exchange:
            raise ValueError("what nobody could understand must have an exchange and a queue of its own")
        return self
