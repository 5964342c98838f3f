"""`alimock ca`: prints the certificate of the authority that the TLS listener's certificate comes from."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from alimock.settings import SettingError, resolve


def run(arguments: Sequence[str]) -> int:
    """Prints the certificate or writes it to a file; makes the authority if there is none yet."""
    parser = argparse.ArgumentParser("alimock ca", description="Prints the certificate of the emulator's own authority.")
    parser.add_argument("--tls-directory", metavar="FOLDER", help="where the authority is kept (ALIMOCK_TLS_DIRECTORY)")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write it to this file")
    options = parser.parse_args(arguments)
    try:
        folder = resolve({"tls_directory": options.tls_directory}, os.environ).tls_folder
        certificate = Path(import_module("alimock.server.certificates").authority(folder)).read_text()
        if options.output is None:
            print(certificate, end="")
        else:
            options.output.write_text(certificate)
    except ModuleNotFoundError as error:
        return _refuse(f"{error.name} is not installed; install alimock with its extra: pip install 'alimock[tls]'")
    except (OSError, ValueError, SettingError) as error:
        return _refuse(str(error))
    return 0


def _refuse(message: str) -> int:
    print(f"alimock: {message}", file=sys.stderr)
    return 2
