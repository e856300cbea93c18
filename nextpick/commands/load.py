"""`nextpick load`: events and items into Postgres."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from nextpick.errors import ConfigError
from nextpick.params import load_params
from nextpick.settings import Settings, load_settings
from nextpick.store.connection import connect

if TYPE_CHECKING:
    from nextpick.data.incoming import EventForm, ItemForm

SAMPLE = Path("data") / "sample" / "online_retail.parquet"
MOST_OVERLAP = 10 * 365 * 24 * 60  # minutes
FILES, QUERIES, WRITTEN = "Files", "Another Postgres", "How they are written"
Events = Annotated[Path | None, typer.Argument(help="CSV with a header, JSON lines or Parquet; told by its name.")]
Items = Annotated[Path | None, typer.Option(help="The catalogue, in any of these formats.", rich_help_panel=FILES)]
Sample = Annotated[bool, typer.Option("--sample", help="Load the sample, moved near to now.", rich_help_panel=FILES)]
Query = Annotated[
    Path | None,
    typer.Option(help="A file with the SELECT of the events; fetches what is new.", rich_help_panel=QUERIES),
]
ItemQuery = Annotated[
    Path | None, typer.Option(help="A file with the SELECT of the catalogue.", rich_help_panel=QUERIES)
]
From = Annotated[
    str | None,
    typer.Option("--from", help="postgresql://... to query; else NEXTPICK_SOURCE_URL.", rich_help_panel=QUERIES),
]
Overlap = Annotated[
    float,
    typer.Option(
        min=0, max=MOST_OVERLAP, help="Fetch again what is this old, for late commits.", rich_help_panel=QUERIES
    ),
]
Columns = Annotated[
    list[str],
    typer.Option("--column", help="A field of events by another name: user_id=userId.", rich_help_panel=WRITTEN),
]
ItemColumns = Annotated[
    list[str],
    typer.Option("--item-column", help="A field of items by another name: title=name.", rich_help_panel=WRITTEN),
]
Kind = Annotated[str | None, typer.Option(help="The kind of rows that name none.", rich_help_panel=WRITTEN)]
Unit = Annotated[
    Literal["seconds", "milliseconds"] | None,
    typer.Option(help="Times are numbers, counted since 1970 UTC.", rich_help_panel=WRITTEN),
]
Zone = Annotated[
    str | None,
    typer.Option(help="Of times that bear no zone: UTC, Europe/London, ...", rich_help_panel=WRITTEN),
]
TimeFormat = Annotated[
    str | None, typer.Option(help="Of times not in ISO 8601: '%d/%m/%Y %H:%M'.", rich_help_panel=WRITTEN)
]
FileFormat = Annotated[
    Literal["csv", "json", "parquet"] | None,
    typer.Option("--format", help="Of the files, whatever their names end in.", rich_help_panel=WRITTEN),
]
Encoding = Annotated[str, typer.Option(help="Of CSV: utf-8, latin-1, cp1252, ...", rich_help_panel=WRITTEN)]
Delimiter = Annotated[str | None, typer.Option(help="Of CSV, else a comma.", rich_help_panel=WRITTEN)]
Separator = Annotated[
    str, typer.Option("--category-separator", help="Between the categories of an item.", rich_help_panel=WRITTEN)
]
MaxBad = Annotated[
    float | None,
    typer.Option(min=0, max=1, help="Share of rows that may be bad; else load.max_bad_share.", rich_help_panel=WRITTEN),
]


def load(  # noqa: PLR0913 - as many as there are ways to write data
    events: Events = None,
    items: Items = None,
    sample: Sample = False,
    query: Query = None,
    item_query: ItemQuery = None,
    url: From = None,
    overlap_minutes: Overlap = 60,
    column: Columns = [],  # noqa: B006 - Typer copies it
    item_column: ItemColumns = [],  # noqa: B006
    kind: Kind = None,
    time_unit: Unit = None,
    timezone: Zone = None,
    time_format: TimeFormat = None,
    file_format: FileFormat = None,
    encoding: Encoding = "utf-8",
    delimiter: Delimiter = None,
    category_separator: Separator = "|",
    max_bad: MaxBad = None,
) -> None:
    """Bring events, and a catalogue, into NextPick's database: all of a file or nothing of it.

    Events need user_id, item_id, kind and occurred_at, and may have event_id and value; items need item_id, and may
    have title, categories, price and published_at; all else becomes an attribute. Loading a file again adds only what
    is new in it. Rows that cannot be used go into the table nextpick.quarantine, with the reason.

    nextpick load ratings.csv --items movies.csv --kind rating --time-unit seconds --column user_id=userId ...
    """
    _one_source(bool(events or items), bool(query or item_query), sample)
    settings = load_settings()
    if sample:
        return _sample(settings)
    forms = _forms((column, item_column), kind, category_separator, (time_unit, timezone, time_format))
    share = load_params(settings.project / "params.yaml").load.max_bad_share if max_bad is None else max_bad
    if query or item_query:
        return _queries(settings, (url, query, item_query, overlap_minutes), forms, share)
    return _files(settings, (events, items), (*forms, (file_format, encoding, delimiter)), share)


def _one_source(*given: bool) -> None:
    if sum(given) != 1:
        raise ConfigError(
            "Say what to load: EVENTS and --items, or --query and --item-query with --from, or --sample; one of the "
            "three. `nextpick load --help` explains them."
        )


def _forms(
    columns: tuple[list[str], list[str]], kind: str | None, separator: str, times: tuple[Any, str | None, str | None]
) -> "tuple[EventForm, ItemForm]":
    from nextpick.data import incoming
    from nextpick.data.moments import TimeForm
    from nextpick.schema import EVENT_COLUMNS

    of_events, of_items = columns
    form = TimeForm(*times)
    return (
        incoming.EventForm(incoming.columns(of_events, EVENT_COLUMNS), kind, form),
        incoming.ItemForm(incoming.columns(of_items, incoming.ITEM_FIELDS), form, separator),
    )


def _sample(settings: Settings) -> None:
    from nextpick.commands.load_report import tell
    from nextpick.stages import load_sample

    with connect(settings.database()) as conn:
        tell(load_sample.run(conn, settings.project / SAMPLE, now=datetime.now(UTC)))


def _files(settings: Settings, files: tuple[Path | None, Path | None], forms: tuple[Any, ...], share: float) -> None:
    from nextpick.commands.load_report import tell
    from nextpick.data.readers import FileForm
    from nextpick.stages import load

    event_form, item_form, file_form = forms
    written = (event_form, item_form, FileForm(*file_form))
    with connect(settings.database()) as conn:
        tell(load.run(conn, *files, now=datetime.now(UTC), max_bad_share=share, forms=written))


def _queries(settings: Settings, what: tuple[Any, ...], forms: "tuple[EventForm, ItemForm]", share: float) -> None:
    from nextpick.commands.load_report import tell
    from nextpick.stages import load_query

    url, query, item_query, overlap_minutes = what
    source = load_query.Source(_url(url, settings), query, item_query, timedelta(minutes=overlap_minutes))
    with connect(settings.database()) as conn:
        tell(load_query.run(conn, source, now=datetime.now(UTC), max_bad_share=share, forms=forms))


def _url(given: str | None, settings: Settings) -> str:
    if given is not None:
        return given
    if settings.source_url is None:
        raise ConfigError(
            "Say which Postgres to query: --from postgresql://user:password@host:port/name, or the same in "
            "NEXTPICK_SOURCE_URL, which keeps the password out of the list of processes."
        )
    return settings.source_url.get_secret_value()
