"""A Postgres for scripts/image_check.sh: `python -m tests.shipping.shop FOLDER`.

It writes FOLDER/url once an empty database is there, and publishes a release into it once FOLDER/publish is, whose
bundle lies in FOLDER/bundle. It stays until it is killed.
"""

import signal
import sys
from pathlib import Path
from time import sleep

import psycopg

from nextpick.local import ports, postgres
from tests import trained
from tests.published import fill, publish

PASSWORD = "check"


def main(folder: Path) -> None:
    """Start, publish when asked, and stay."""
    folder.mkdir(mode=0o755)
    bundle = folder / "bundle"
    bundle.mkdir()
    version = trained.train(bundle)
    cluster = postgres.Cluster(folder / "postgres")
    postgres.create(cluster, PASSWORD, durable=False)
    port = ports.free()
    process = postgres.start(cluster, port, folder / "postgres.log", {"fsync": "off"}, tied=True)
    try:
        server = f"postgresql://{postgres.SUPERUSER}:{PASSWORD}@127.0.0.1:{port}"
        with psycopg.connect(f"{server}/postgres", autocommit=True) as admin:
            admin.execute("CREATE DATABASE nextpick")
        making = folder / "url.making"
        making.write_text(f"{server}/nextpick")
        making.rename(folder / "url")
        while not (folder / "publish").exists():
            sleep(0.2)
        with psycopg.connect(f"{server}/nextpick", options="-c TimeZone=UTC") as conn:
            fill(conn)
            conn.commit()
            publish(conn, version)
            conn.commit()
        signal.pause()
    finally:
        postgres.stop(process)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    main(Path(sys.argv[1]))
