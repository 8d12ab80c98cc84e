"""What a check of the doctor raises."""


class Unwell(Exception):
    """The check found something wrong; never leaves the doctor."""
