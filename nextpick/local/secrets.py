"""The passwords and keys of this machine's run: generated once, kept in one file only its owner can read."""

import base64
import json
import os
import secrets
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from nextpick.errors import LocalError


def _password() -> str:
    return secrets.token_urlsafe(18)


def _long_key() -> str:
    return secrets.token_urlsafe(64)  # Airflow wants 64 characters or more


def _fernet_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


@dataclass(frozen=True)
class Secrets:
    """One field a secret; a field that a newer version adds is generated when the file is next read."""

    token: str = field(default_factory=_password, repr=False)
    """Marks the processes of this clone's runs."""
    postgres: str = field(default_factory=_password, repr=False)
    airflow_database: str = field(default_factory=_password, repr=False)
    mlflow_database: str = field(default_factory=_password, repr=False)
    nextpick_database: str = field(default_factory=_password, repr=False)
    airflow_admin: str = field(default_factory=_password, repr=False)
    airflow_viewer: str = field(default_factory=_password, repr=False)
    airflow_fernet: str = field(default_factory=_fernet_key, repr=False)
    airflow_jwt: str = field(default_factory=_long_key, repr=False)
    airflow_session: str = field(default_factory=_long_key, repr=False)


def load(file: Path) -> Secrets:
    """The secrets in `file`, which is made, mode 600, where it is absent.

    Raises: LocalError where it cannot be read as what it should be; then its data cannot be opened either.
    """
    known: dict[str, str] = {}
    if file.exists():
        try:
            known = json.loads(file.read_text())
            found = Secrets(**known)
        except (ValueError, TypeError) as error:
            raise LocalError(
                f"{file}, which holds the passwords of the data here, cannot be read: {error}. "
                "Put back a copy of it, or forget the data with `make clean`."
            ) from None
    else:
        found = Secrets()
    if set(known) < {f.name for f in fields(Secrets)}:
        write_private(file, json.dumps(asdict(found), indent=1))
    file.chmod(0o600)
    return found


def write_private(file: Path, text: str) -> None:
    """Write a file that nobody but its owner can read, at no moment, whole or not at all."""
    making = file.with_name(file.name + ".making")
    making.unlink(missing_ok=True)
    with os.fdopen(os.open(making, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    making.rename(file)
