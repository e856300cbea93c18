"""Settings: where things are and who may enter. What changes a result is in params.yaml instead."""

from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from nextpick.errors import ConfigError

PROJECT = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """Read from the environment (prefix `NEXTPICK_`), then `.env`, then the `local.env` of `make run` in `home`."""

    model_config = SettingsConfigDict(
        env_prefix="NEXTPICK_",
        env_ignore_empty=True,  # as a template of .env leaves it, or compose
        env_file=(PROJECT / ".nextpick" / "local.env", PROJECT / ".env"),  # the later file wins
        extra="ignore",
        frozen=True,
    )

    project: Path = PROJECT
    """The folder of params.yaml and dvc.yaml."""
    home: Path = PROJECT / ".nextpick"
    """Everything NextPick writes on this machine: bundles, reports, the DVC cache, logs."""
    bundle_cache: Path | None = None
    """Where bundles of releases whose URI leads to an object store are kept; a folder under `home` when unset."""
    bundle_store: str | None = None
    """A URL that fsspec can write, as gs://bucket/bundles: each released bundle is put there, and machines that share
    no folder read it there. Releases name a folder of this machine when unset."""
    database_url: SecretStr | None = None
    """The nextpick database, `postgresql://user:password@host:port/name`."""
    mlflow_url: str | None = None
    """MLflow tracking and registry; a SQLite file under `home` when unset."""
    mlflow_public_url: str | None = None
    """Where people reach MLflow, for the links they are shown; `mlflow_url` when unset."""
    dvc_remote: str | None = None
    """Where DVC pushes snapshots and models; a folder under `home` when unset."""
    git_sha: str | None = None
    """The commit this code is from, where there is no git to ask: an image's build sets it."""
    api_port: int = 8080
    """Of the API that `make run` starts, on 127.0.0.1, as the next ones are."""
    api_url: str | None = None
    """Where our own commands find the API (`nextpick replay`); that of `make run` or this machine's port if unset."""
    local_api_url: str | None = None
    """Left by `make run` for other terminals, in local.env: where its API listens. A port that is given goes before."""
    local_airflow_url: str | None = None
    """The same of Airflow."""
    airflow_port: int = 8081
    """Of Airflow's pages and API."""
    airflow_url: str | None = None
    """Where people reach Airflow, for the links in alerts; this machine's port when unset."""
    mlflow_port: int = 5000
    """Of MLflow's pages and API."""
    postgres_port: int = 15432
    """Of the Postgres that `make run` brings; below the ports that outgoing connections are given."""
    api_open_to_loopback: bool = False
    """Answer callers on this machine without a key. `make run` sets it; nothing else should."""
    api_key_sha256: SecretStr | None = None
    """Hex SHA-256 of one key that has every scope and no rate, beside those of `nextpick keys`: for deployments that
    were set up before there were any, and for a database that has none yet."""
    api_key: SecretStr | None = None
    """The key itself, for those of our own commands that call the API (`nextpick replay`)."""
    source_url: SecretStr | None = None
    """The Postgres that `nextpick load --query` reads from where --from does not say."""
    slack_bot_token: SecretStr | None = None
    """Alerts go to Slack by this bot, which must be in `slack_channel`; without it and the webhook they are only logged
    and stored."""
    slack_channel: str | None = None
    """Where the bot posts, as #drift."""
    slack_webhook_url: SecretStr | None = None
    """The other way to Slack: an incoming webhook, which knows its channel."""
    slack_api_url: str = "https://slack.com/api/"
    """Of the bot; another one where a proxy stands between."""

    @cached_property
    def bundle_cache_folder(self) -> Path:
        """Where fetched bundles lie."""
        return self.bundle_cache or self.home / "bundle-cache"

    @cached_property
    def tracking_uri(self) -> str:
        """What MLflow is to be told."""
        return self.mlflow_url or f"sqlite:///{self.home.resolve() / 'mlflow.db'}"

    @cached_property
    def api_address(self) -> str:
        """The API's address for a client on this machine, without a slash at its end."""
        return (self.api_url or self._here("api_port", self.local_api_url)).rstrip("/")

    @property
    def mlflow_address(self) -> str:
        """Where people see MLflow, without what opens its door and without a slash at its end; "" where it is no
        server."""
        parts = urlsplit(self.mlflow_public_url or self.mlflow_url or "")
        if parts.scheme not in ("http", "https"):
            return ""
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}".rstrip("/")

    @cached_property
    def airflow_address(self) -> str:
        """Airflow's address as people see it, without a slash at its end."""
        return (self.airflow_url or self.local_airflow_address).rstrip("/")

    @cached_property
    def local_airflow_address(self) -> str:
        """The address of the Airflow of `make run`, whose passwords are in `home`."""
        return self._here("airflow_port", self.local_airflow_url)

    def _here(self, port: str, left: str | None) -> str:
        """Where `make run` listens: where it says so itself, unless the port is given here and now."""
        if left and port not in self.model_fields_set:
            return left
        return f"http://127.0.0.1:{getattr(self, port)}"

    def database(self) -> str:
        """The database URL, or a ConfigError that says how to get one."""
        if not self.database_url:
            raise ConfigError(
                "NEXTPICK_DATABASE_URL is not set, and no `make run` has left one in .nextpick/local.env. "
                "Start `make run` in another terminal, or set it to postgresql://user:password@host:port/nextpick."
            )
        return self.database_url.get_secret_value()


def load_settings() -> Settings:
    """The settings as the environment has them now."""
    try:
        settings = Settings()
        if settings.home != PROJECT / ".nextpick":  # as .env may say: there `make run` writes
            settings = Settings(_env_file=(settings.home / "local.env", PROJECT / ".env"))  # type: ignore[call-arg]
        return settings
    except ValidationError as error:
        faults = "; ".join(f"NEXTPICK_{'.'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors())
        raise ConfigError(f"The settings are wrong: {faults}. Set them in the environment or in .env.") from None
