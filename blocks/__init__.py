"""One module per outside system: its address, its secret, its few methods, its exceptions."""

from blocks.mail import MailSettings
from blocks.pop_game import PopGame

__all__ = ["MailSettings", "PopGame"]
