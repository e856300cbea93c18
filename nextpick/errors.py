"""Every error NextPick raises on purpose.

NextPickError
├── ConfigError     params.yaml, the environment or a command's options are wrong
├── DataError       the input is wrong: retrying cannot help
├── BundleError     a model bundle is absent, corrupt, or made for other features
├── StoreError      Postgres is unreachable, or refuses what was asked
├── RegistryError   MLflow is unreachable, or holds no such model version
├── PipelineError   DVC, or a stage it ran, failed
├── ApiError        the API is unreachable, or refuses what was sent
├── GateRefused     a challenger may not become champion
├── ReleaseRefused  a release may not go live
├── UpkeepError     a part of housekeeping, a backup or a restore could not be done
└── LocalError      the one-machine run cannot start or go on

A message names the fault, the value, the place and the remedy, in one or two sentences.
"""


class NextPickError(Exception):
    """Base of all errors a caller may want to show to a person as they are."""


class ConfigError(NextPickError):
    """A setting or parameter is missing or wrong."""


class DataError(NextPickError):
    """The input cannot be used as it is; a retry would fail the same way."""


class BundleError(NextPickError):
    """A model bundle is absent, corrupt, or made for features this code cannot compute."""


class StoreError(NextPickError):
    """Postgres cannot do what was asked."""


class RegistryError(NextPickError):
    """MLflow cannot do what was asked."""


class PipelineError(NextPickError):
    """DVC, or a stage it ran, failed."""


class ApiError(NextPickError):
    """The API cannot be reached, or refuses what was sent."""


class GateRefused(NextPickError):
    """The challenger is not good enough; the message carries the reasons."""


class ReleaseRefused(NextPickError):
    """A release may not go live; the message says what stands against it and how to overrule that."""


class UpkeepError(NextPickError):
    """A part of housekeeping, a backup or a restore could not be done; the message says which and why."""


class LocalError(NextPickError):
    """The one-machine run (`make run`) cannot start or go on."""
