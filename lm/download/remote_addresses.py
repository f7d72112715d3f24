"""Addresses of places that fsspec opens: which there are, and what each needs. Light: nothing is opened here."""

from lm.errors import BadInput
from lm.text.addresses import MAX_ADDRESS, shown

# By protocol: what must be installed for it. `file`, `memory`, caches and chains of protocols are not here on purpose.
PACKAGES = {
    "s3": "s3fs",
    "s3a": "s3fs",
    "gs": "gcsfs",
    "gcs": "gcsfs",
    "az": "adlfs",
    "abfs": "adlfs",
    "abfss": "adlfs",
    "oci": "ocifs",
    "oss": "ossfs",
    "hf": "huggingface_hub",
    "github": "requests",
    "ftp": "fsspec",
    "sftp": "paramiko",
    "ssh": "paramiko",
    "smb": "smbprotocol",
    "hdfs": "pyarrow",
    "webhdfs": "requests",
}
NO_SIGNS = "?#*[]"  # in an address: queries, fragments and patterns are not understood


def is_remote(address: str) -> bool:
    """Whether an address is one that fsspec opens."""
    return address.partition("://")[0].lower() in PACKAGES


def check_address(address: str) -> None:
    """Raise BadInput unless this is an address that can be asked for."""
    scheme, _, place = address.partition("://")
    if "::" in address or not place.strip("/") or not address.isprintable() or len(address) > MAX_ADDRESS:
        raise BadInput(f"this address cannot be understood: {scheme}://… (its place or a character in it is wrong)")
    if found := [sign for sign in NO_SIGNS if sign in place]:
        raise BadInput(f"{shown(address)}: {found[0]} is not understood here: name one file, or the folder")
    if scheme.lower() == "hf" and not place.startswith("datasets/"):
        raise BadInput(f"{shown(address)} is no dataset: expected hf://datasets/OWNER/NAME, or a folder or file in it")


def below(address: str, path: str) -> str:
    """The address of a file in a place."""
    return f"{address.rstrip('/')}/{path}" if path else address
