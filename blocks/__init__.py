"""One module per outside system: its address, its secret, its few methods, its exceptions."""

from blocks.broker import Broker
from blocks.distribution_settings import DistributionSettings
from blocks.jobs_contract import JobsContract
from blocks.mail import MailSettings
from blocks.meet import Meet
from blocks.payout_settings import PayoutSettings
from blocks.pop_game import PopGame

__all__ = [
    "Broker",
    "DistributionSettings",
    "JobsContract",
    "MailSettings",
    "Meet",
    "PayoutSettings",
    "PopGame",
]
