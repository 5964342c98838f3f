"""`alimock ca`: print alimock's CA certificate."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from alimock.cli.command import NO_TLS_EXTRA, Parser, fail, parse
from alimock.cli.replace_file import replace_file
from alimock.settings import resolve


def parser() -> Parser:
    """Return the parser of the command line."""
    parser = Parser("alimock ca", description="Print the certificate of alimock's own certificate authority.")
    parser.add_argument(
        "--tls-directory", metavar="DIRECTORY", help="directory of the certificate authority (ALIMOCK_TLS_DIRECTORY)"
    )
    parser.add_argument("--output", type=Path, metavar="FILE", help="write to this file instead of standard output")
    return parser


def run(arguments: Sequence[str]) -> int:
    """Print the certificate of alimock's own authority or write it to a file, after creating the authority if there is none."""
    options = parse(parser(), arguments)
    try:
        # Needs the extra `tls`, and takes a tenth of a second to import.
        from alimock.cli import certificates

        folder = resolve({"tls_directory": options.tls_directory}, os.environ).tls_folder
        certificate = certificates.authority(folder).read_text()
        if options.output is not None and options.output.exists():
            # It may be a pipe, or the mounted file of a container, which cannot be replaced.
            options.output.write_text(certificate)
        elif options.output is not None:
            # Another program may wait for the file.
            replace_file(options.output, certificate.encode())
    except ModuleNotFoundError as error:
        return fail(NO_TLS_EXTRA.format(error.name))
    except (OSError, ValueError) as error:
        return fail(str(error))
    if options.output is None:
        print(certificate, end="")
    return 0
