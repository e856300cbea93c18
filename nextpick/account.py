"""Who is at the keyboard."""

import getpass
import os


def name() -> str:
    """The name of the account that runs this."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as containers may have
        return f"user {os.getuid()}"
