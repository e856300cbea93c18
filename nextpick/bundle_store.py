"""Bundles in an object store, whence every machine reads them: each in `<store>/<sha256>`, its manifest put there last,
so that a bundle is there whole or not at all."""

from pathlib import Path
from urllib.parse import urlsplit

from nextpick.bundle_cache import shown
from nextpick.errors import BundleError
from nextpick.models import manifest


def put(store: str, bundle: Path, bundle_sha256: str) -> str:
    """Put a bundle into the store, a URL that fsspec can write, and return where it is. Files that are there, as
    long as ours, are left as they are; others are put there anew. Of two at once both put the same.

    Raises: BundleError where the bundle is another one, or the store cannot be written. Stores put the URL into what
    they raise, with the key in it: none of their words are passed on.
    """
    stated = manifest.read(bundle, bundle_sha256)
    uri = f"{store.rstrip('/')}/{bundle_sha256}"
    if fault := _fault(store):
        raise BundleError(
            f"Bundles cannot be put into {shown(store)}: {fault}. NEXTPICK_BUNDLE_STORE wants a store that can be "
            "written, as s3://bucket/bundles, gs://bucket/bundles or file:///srv/bundles."
        )
    try:
        import fsspec

        files, root = fsspec.url_to_fs(uri)
        files.makedirs(root, exist_ok=True)
        for name in (*stated.files, manifest.MANIFEST):
            there = f"{root}/{name}"
            if not files.exists(there) or files.size(there) != (bundle / name).stat().st_size:
                files.put_file(str(bundle / name), there)
    except ImportError as error:  # says what to install, and knows no URL
        raise BundleError(f"Cannot write {shown(store)}: {error}. Install what it names.") from None
    except Exception as error:  # noqa: BLE001 - each store raises errors of its own
        raise BundleError(
            f"Cannot put the bundle into {shown(store)}: {type(error).__name__}. Is the store up, and may this machine "
            "write there?"
        ) from None
    return uri


def _fault(store: str) -> str | None:
    """What is wrong with a URL; every release's row and each backup will name it."""
    asked = urlsplit(store)
    if asked.scheme in ("", "http", "https") or "::" in store:
        return "nothing can be written there"
    if asked.password or asked.query or asked.fragment:
        return "a password or key in it would be read by all who see releases; give those by the store's own settings"
    if asked.scheme == "file" and (asked.netloc or not asked.path.startswith("/") or "%" in asked.path):
        return "a folder is named from / on, as it is, after file://"
    return None
