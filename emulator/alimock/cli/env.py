"""`alimock env`: print the settings that point an SDK at the emulator."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping, Sequence

from alimock.cli.command import Parser, fail, parse
from alimock.cli.url import add_url
from alimock.client.connection import Connection
from alimock.client.errors import EmulatorError
from alimock.testing.env import direct_hosts, proxies

_NO_PROXY = "# not possible: this SDK uses HTTPS by default, which a proxy only tunnels; set the endpoint instead"
_RESOLVE = "# resolve domain.aliyuncs.com to the emulator, start it with --tls-port 443, and set:"
_NOT_DIRECT = "NO_PROXY of this shell covers the service, whose requests would not go through a proxy"
# The command is in no package registry, so `make interop` runs these lines only where it is installed.
_CLI = (
    "export ALIBABA_CLOUD_ACCESS_KEY_ID=testid ALIBABA_CLOUD_ACCESS_KEY_SECRET=testsecret\n"
    "export ALIBABA_CLOUD_REGION_ID=cn-hangzhou ALIBABA_CLOUD_IGNORE_PROFILE=TRUE"
)
_CLI_CALL = "aliyun domain ListEmailVerification --version 2018-01-29 --force --PageNum 1 --PageSize 5"
# The settings of each SDK: at a URL, over HTTPS with the SDK's default endpoint, and through a proxy. `{endpoint}` is replaced by
# host:port, `{scheme}` by http or https (`{SCHEME}` in capitals), `{url}` by the URL, and `{ca}` by the file of the certificate.
SDKS = {
    "python": (
        'Config(endpoint="{endpoint}", protocol="{scheme}", access_key_id="testid", access_key_secret="testsecret")',
        f"{_RESOLVE}\nexport SSL_CERT_FILE={{ca}} REQUESTS_CA_BUNDLE={{ca}}  # which one is used depends on the SDK's version",
        'Config(protocol="http", http_proxy="{url}", access_key_id="testid", access_key_secret="testsecret")',
    ),
    "python-core": (
        'request.set_endpoint("{endpoint}")',
        f"{_RESOLVE}\nexport ALIBABA_CLOUD_CA_BUNDLE={{ca}}\nrequest.set_protocol_type(aliyunsdkcore.http.protocol_type.HTTPS)",
        "export HTTP_PROXY={url}",
    ),
    "node": (
        "new RPCClient({{endpoint: '{url}', apiVersion: '2018-01-29', accessKeyId: 'testid', accessKeySecret: 'testsecret'}})"
        "  // @alicloud/pop-core\n"
        "new Config({{endpoint: '{endpoint}', protocol: '{scheme}', accessKeyId: 'testid', accessKeySecret: 'testsecret'}})"
        "  // @alicloud/openapi-client",
        f"{_RESOLVE}\nexport NODE_EXTRA_CA_CERTS={{ca}}",
        _NO_PROXY,
    ),
    "java": (
        'request.setSysEndpoint("{endpoint}");  // aliyun-java-sdk-core\n'
        "request.setSysProtocol(ProtocolType.{SCHEME});\n"
        'config.setEndpoint("{endpoint}").setProtocol("{scheme}");  // tea-openapi',
        f"{_RESOLVE}\nkeytool -importcert -noprompt -alias alimock -file {{ca}} -keystore alimock.jks -storepass changeit\n"
        # Java reads no certificate of a PKCS #12 file, the type of new files since Java 9, without its password.
        "java -Djavax.net.ssl.trustStore=alimock.jks -Djavax.net.ssl.trustStorePassword=changeit ...\n"
        "request.setSysProtocol(ProtocolType.HTTPS);  // aliyun-java-sdk-core; tea-openapi uses HTTPS by default",
        "export HTTP_PROXY={url}  # aliyun-java-sdk-core; tea-openapi uses HTTPS by default, which a proxy only tunnels",
    ),
    "go": (
        'request.Domain, request.Scheme = "{endpoint}", "{scheme}"',
        f'{_RESOLVE}\nexport SSL_CERT_FILE={{ca}}\nrequest.Scheme = "https"',
        "export HTTP_PROXY={url}",
    ),
    "cli": (
        f"# checked with aliyun-cli 3.3.5, over plain HTTP\n{_CLI}\n"
        f"export ALIBABA_CLOUD_ENDPOINT={{endpoint}}\n{_CLI_CALL} --insecure",
        f"{_RESOLVE}\n# not checked with the command itself, but programs in Go read SSL_CERT_FILE\n"
        f"{_CLI}\nexport SSL_CERT_FILE={{ca}}\n{_CLI_CALL}",
        _NO_PROXY,
    ),
}
# What else an SDK needs for an https URL, and what it only needs for plain HTTP.
_TLS_LINES = {
    "python-core": "\nrequest.set_protocol_type(aliyunsdkcore.http.protocol_type.HTTPS)",
}
_ONLY_PLAIN = (" --insecure", "# checked with aliyun-cli 3.3.5, over plain HTTP\n")


# What begins a comment in the language of an SDK's settings.
_COMMENTS = {"node": "//", "java": "//", "go": "//"}
_EPILOG = 'To set the variables of the `aliyun` command in this shell: eval "$(alimock env --sdk cli)"'


def parser() -> Parser:
    """Return the parser of the command line."""
    description = "Print the settings that point an SDK at the emulator. All but those for its URL are comments."
    parser = Parser("alimock env", description=description, epilog=_EPILOG)
    parser.add_argument("--sdk", choices=SDKS, required=True, help="the SDK (`cli` is the `aliyun` command)")
    add_url(parser)
    return parser


def run(arguments: Sequence[str]) -> int:
    """Print the settings of one SDK."""
    options = parse(parser(), arguments)
    try:
        connection = Connection(options.url)
    except EmulatorError as error:
        return fail(str(error))
    if connection.prefix:
        return fail(
            f"found the URL {connection.base_url}, expected one without a path: SDKs send their calls to the path /. "
            "Give the emulator a host name or a port of its own."
        )
    # The emulated API takes no control token.
    print("\n\n".join(_sections(options.sdk, connection.base_url, connection.endpoint)))
    return 0


def _sections(sdk: str, url: str, endpoint: str) -> Iterator[str]:
    """Yield the settings for the URL, then other ways to connect as comments."""
    comment, scheme = _COMMENTS.get(sdk, "#"), url.partition(":")[0]
    # The lines for `cli` are evaluated by a shell.
    shown = shlex.quote(endpoint) if sdk == "cli" else endpoint
    values = {"url": url, "endpoint": shown, "scheme": scheme, "SCHEME": scheme.upper(), "ca": "alimock-ca.pem"}
    http, https, proxy = (lines.format(**values) for lines in SDKS[sdk])
    for lines in _proxy_lines(os.environ):
        yield _settings(lines, comment) if sdk == "cli" else _commented(lines, comment)
    if scheme == "https":
        for text in _ONLY_PLAIN:
            http = http.replace(text, "")
        yield f"{comment} at {url}\n{_settings(http + _TLS_LINES.get(sdk, ''), comment)}"
        return
    yield f"{comment} over HTTP\n{_settings(http, comment)}"
    yield f"{comment} over HTTPS, after: alimock ca --output alimock-ca.pem\n{_commented(https, comment)}"
    yield f"{comment} through a proxy, with the SDK's default endpoint\n{_commented(proxy, comment)}"


def _settings(lines: str, comment: str) -> str:
    """Return the lines as they are, but the call of the `aliyun` command as a comment, so that a shell only sets variables."""
    return "\n".join(_commented(line, comment) if line.startswith(("#", "aliyun ")) else line for line in lines.splitlines())


def _commented(lines: str, comment: str) -> str:
    """Return the lines as comments, with settings indented."""
    texts = (line.removeprefix("# ") if line.startswith("# ") else f"  {line}" for line in lines.splitlines())
    return "\n".join(f"{comment} {text}" for text in texts)


def _proxy_lines(environ: Mapping[str, str]) -> Iterator[str]:
    """Yield the commands for a shell whose variables would keep an SDK from reaching the emulator."""
    names = proxies(environ)
    if names:
        yield f"# an SDK may send the requests to the proxy of this shell instead\nunset {' '.join(names)}"
    direct = direct_hosts(environ, proxy=True)
    if direct != direct_hosts(environ, proxy=False):
        hosts = shlex.quote(",".join(direct)) if direct else ""
        yield f"# {_NOT_DIRECT}\nexport NO_PROXY={hosts} no_proxy={hosts}"
