"""`alimock env`: print the settings that point an SDK at the emulator."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from urllib.parse import urlsplit

from alimock.cli.command import parse
from alimock.client.connection import default_url, without_token

_NO_PROXY = "# not possible: this SDK uses HTTPS by default, which a proxy only tunnels; set the endpoint instead"
_RESOLVE = "# resolve domain.aliyuncs.com to the emulator, start it with --tls-port 443, and set:"
# The settings of each SDK: over HTTP, over HTTPS, and through a proxy. `{endpoint}` is replaced by host:port, `{url}` by the URL,
# and `{ca}` by the file of the certificate.
SDKS = {
    "python": (
        'Config(endpoint="{endpoint}", protocol="http", access_key_id="testid", access_key_secret="testsecret")',
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
        "new Config({{endpoint: '{endpoint}', protocol: 'http', accessKeyId: 'testid', accessKeySecret: 'testsecret'}})"
        "  // @alicloud/openapi-client",
        f"{_RESOLVE}\nexport NODE_EXTRA_CA_CERTS={{ca}}",
        _NO_PROXY,
    ),
    "java": (
        'request.setSysEndpoint("{endpoint}");',
        f"{_RESOLVE}\nkeytool -importcert -noprompt -alias alimock -file {{ca}} -keystore alimock.jks -storepass changeit\n"
        "java -Djavax.net.ssl.trustStore=alimock.jks ...\nrequest.setSysProtocol(ProtocolType.HTTPS);",
        "export HTTP_PROXY={url}",
    ),
    "go": (
        'request.Domain, request.Scheme = "{endpoint}", "http"',
        f'{_RESOLVE}\nexport SSL_CERT_FILE={{ca}}\nrequest.Scheme = "https"',
        "export HTTP_PROXY={url}",
    ),
    "cli": (
        "export ALIBABA_CLOUD_ENDPOINT={endpoint}\naliyun domain ... --insecure",
        f"{_RESOLVE}\nexport SSL_CERT_FILE={{ca}}",
        _NO_PROXY,
    ),
}


def run(arguments: Sequence[str]) -> int:
    """Print the settings of one SDK."""
    parser = argparse.ArgumentParser("alimock env", description="Print the settings that point an SDK at the emulator.")
    parser.add_argument("--sdk", choices=SDKS, required=True, help="the SDK (`cli` is the `aliyun` command)")
    parser.add_argument("--url", default=default_url(), help="URL of the emulator (default: %(default)s)")
    options = parse(parser, arguments)
    # The emulated API takes no control token.
    url = without_token(options.url)
    values = {"url": url, "endpoint": urlsplit(url).netloc or url, "ca": "alimock-ca.pem"}
    http, https, proxy = (lines.format(**values) for lines in SDKS[options.sdk])
    print(f"# over HTTP\n{http}\n")
    print(f"# over HTTPS, after: alimock ca --output alimock-ca.pem\n{https}\n")
    print(f"# through a proxy, with the SDK's default endpoint\n{proxy}")
    return 0
