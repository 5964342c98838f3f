"""Follow the instructions of `alimock env` for every SDK, as its reader would, and print the results. Run by `make interop`.

Each program makes one call with the lines that are printed. Over HTTPS, those for an https URL replace the service's host name, because
only an administrator can resolve that to the emulator. An SDK without its toolchain is skipped with a reason; if CI is set, it fails.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from alimock.cli.env import SDKS
from alimock.testing import env
from run import CORE, Missing, go_folder, java_class_path, node_folder, python_binary, tool

ALIMOCK = (sys.executable, "-m", "alimock")
SHELL_COMMANDS = ("export ", "unset ", "keytool ", "aliyun ")
TIMEOUT_SECONDS = 300
_STRICT_TLS = ("--auth", "strict", "--tls-port", "0", "--tls-directory")
# What every program prints: the status of an address that the default scenario defines as verified.
VERIFIED = "status 1"


@dataclass(frozen=True)
class Recipe:
    """A program with `{lines}` for the printed lines of code, the file that it is written to, and the command that runs it."""

    file: str
    program: str
    command: Callable[[Path], list[str]]
    # How the program takes a printed line.
    statement: str = "{line}"
    expected: str = VERIFIED


PYTHON = """
from alibabacloud_domain20180129 import models
from alibabacloud_domain20180129.client import Client
from alibabacloud_tea_openapi.utils_models import Config

{lines}
request = models.QueryEmailVerificationRequest(email="abc@aliyun.com")
print("status", Client(config).query_email_verification(request).body.verification_status)
"""
PYTHON_CORE = """
import json

import aliyunsdkcore.http.protocol_type
from aliyunsdkcore.client import AcsClient
from aliyunsdkdomain.request.v20180129.QueryEmailVerificationRequest import QueryEmailVerificationRequest

request = QueryEmailVerificationRequest()
request.set_Email("abc@aliyun.com")
{lines}
answer = json.loads(AcsClient("testid", "testsecret", "cn-hangzhou").do_action_with_exception(request))
print("status", answer["VerificationStatus"])
"""
NODE = """
const { RPCClient } = require('@alicloud/pop-core');
const { default: Client, Config, OpenApiRequest, Params } = require('@alicloud/openapi-client');
const { RuntimeOptions } = require('@alicloud/tea-util');
const query = { Email: 'abc@aliyun.com' };
const params = new Params({
  action: 'QueryEmailVerification', version: '2018-01-29', protocol: 'HTTPS', pathname: '/', method: 'POST', authType: 'AK', style: 'RPC',
  reqBodyType: 'formData', bodyType: 'json',
});

const clients = [];
{lines}

async function main() {
  for (const made of clients) {
    const answer = made instanceof RPCClient
      ? await made.request('QueryEmailVerification', query)
      : (await new Client(made).callApi(params, new OpenApiRequest({ query }), new RuntimeOptions({}))).body;
    console.log('status', answer.VerificationStatus);
  }
}

main();
"""
JAVA = """
import com.aliyun.teaopenapi.Client;
import com.aliyun.teaopenapi.models.Config;
import com.aliyun.teaopenapi.models.OpenApiRequest;
import com.aliyun.teaopenapi.models.Params;
import com.aliyun.teautil.models.RuntimeOptions;
import com.aliyuncs.DefaultAcsClient;
import com.aliyuncs.domain.model.v20180129.QueryEmailVerificationRequest;
import com.aliyuncs.http.ProtocolType;
import com.aliyuncs.profile.DefaultProfile;
import java.util.Map;

public class Recipe {
    public static void main(String[] arguments) throws Exception {
        QueryEmailVerificationRequest request = new QueryEmailVerificationRequest();
        request.setEmail("abc@aliyun.com");
        Config config = new Config().setAccessKeyId("testid").setAccessKeySecret("testsecret");
{lines}
        DefaultProfile profile = DefaultProfile.getProfile("cn-hangzhou", "testid", "testsecret");
        System.out.println("status " + new DefaultAcsClient(profile).getAcsResponse(request).getVerificationStatus());
        if (config.getEndpoint() != null) {
            Params params = new Params().setAction("QueryEmailVerification").setVersion("2018-01-29").setProtocol("HTTPS").setPathname("/")
                .setMethod("POST").setAuthType("AK").setStyle("RPC").setReqBodyType("formData").setBodyType("json");
            OpenApiRequest query = new OpenApiRequest().setQuery(Map.of("Email", "abc@aliyun.com"));
            Map<?, ?> answer = (Map<?, ?>) new Client(config).callApi(params, query, new RuntimeOptions()).get("body");
            System.out.println("tea " + answer.get("VerificationStatus"));
        }
    }
}
"""
GO = """
package main

import (
	"fmt"

	"github.com/aliyun/alibaba-cloud-sdk-go/services/domain"
)

func main() {
	client, err := domain.NewClientWithAccessKey("cn-hangzhou", "testid", "testsecret")
	if err != nil {
		panic(err)
	}
	request := domain.CreateQueryEmailVerificationRequest()
	request.Email = "abc@aliyun.com"
{lines}
	answer, err := client.QueryEmailVerification(request)
	if err != nil {
		panic(err)
	}
	fmt.Println("status", answer.VerificationStatus)
}
"""


def python_command(*requirements: str) -> Callable[[Path], list[str]]:
    return lambda program: [python_binary(*requirements), "-W", "ignore", str(program)]


def node_command(program: Path) -> list[str]:
    os.symlink(node_folder() / "node_modules", program.parent / "node_modules")
    return [tool("node"), str(program)]


def java_command(program: Path) -> list[str]:
    return [tool("java"), "-cp", java_class_path(), str(program)]


def go_command(program: Path) -> list[str]:
    # The program belongs to the module of the driver, which names the version of the SDK.
    folder = go_folder() / f"recipe-{os.getpid()}"
    folder.mkdir()
    try:
        shutil.copy(program, folder)
        subprocess.run([tool("go"), "build", "-o", program.parent / "recipe", "."], cwd=folder, check=True)
    finally:
        shutil.rmtree(folder)
    return [str(program.parent / "recipe")]


def _aliyun(_: Path) -> list[str]:
    tool("aliyun")
    return ["true"]


RECIPES = {
    "python": Recipe("recipe.py", PYTHON, python_command("alibabacloud-domain20180129==5.1.1"), "config = {line}"),
    "python-core": Recipe("recipe.py", PYTHON_CORE, python_command(*CORE)),
    "node": Recipe("recipe.js", NODE, node_command, "clients.push(\n{line}\n);"),
    "java": Recipe("Recipe.java", JAVA, java_command),
    "go": Recipe("recipe.go", GO, go_command),
    # The printed lines are the whole program.
    "cli": Recipe("none", "", _aliyun, expected='"RequestId"'),
}
# No package registry has the command, so CI may skip it.
OPTIONAL = {"cli"}


def sections(sdk: str, url: str, secure: str) -> dict[str, list[str]]:
    """Return the printed settings for each way to connect, without comments."""
    plain = _printed(sdk, url)
    (at_secure,) = _printed(sdk, secure).values()
    # The printed call to the service's own host name is replaced by the lines for an https URL.
    plain["over HTTPS"] = [*(line for line in plain["over HTTPS"] if not line.startswith("aliyun ")), *at_secure]
    return plain


def _printed(sdk: str, url: str) -> dict[str, list[str]]:
    printed = subprocess.run([*ALIMOCK, "env", "--sdk", sdk, "--url", url], capture_output=True, text=True, check=True).stdout
    parts = re.split(r"^(?:#|//) (over HTTPS?|through a proxy|at https://).*\n", printed, flags=re.MULTILINE)
    return {way: list(_lines(text)) for way, text in zip(parts[1::2], parts[2::2], strict=True)}


def _lines(text: str) -> Iterator[str]:
    """Yield the settings of a section; those for another way than the URL are comments with an indentation."""
    for line in text.splitlines():
        setting = re.sub(r"^(?:#|//)   ", "", line)
        if setting and not setting.startswith(("#", "//")):
            yield setting


def follow(recipe: Recipe, lines: list[str], folder: Path) -> None:
    """Run the program with the lines in a shell; raise RuntimeError if its call does not succeed."""
    shell = [line for line in lines if line.startswith(SHELL_COMMANDS)]
    launch = [line for line in lines if line.endswith(" ...")]
    code = [line for line in lines if line not in shell and line not in launch]
    program = folder / recipe.file
    statements = "\n".join(recipe.statement.replace("{line}", line) for line in code)
    program.write_text(recipe.program.replace("{lines}", statements))
    command = recipe.command(program)
    words = shlex.join(command)
    for line in launch:
        words = line.replace(" ...", f" {shlex.join(command[1:])}")
    inherited = {name: value for name, value in os.environ.items() if name not in env.removed(os.environ)}
    done = subprocess.run(
        ["bash", "-euc", "\n".join((*shell, words))],
        cwd=folder,
        env=inherited,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
    )
    if done.returncode or recipe.expected not in done.stdout:
        raise RuntimeError(f"{done.stdout[-1000:]}{done.stderr[-1000:]}")


@contextmanager
def serving(*options: str) -> Iterator[list[str]]:
    """Run an emulator, and yield its URLs."""
    command = [*ALIMOCK, "serve", "--port", "0", "--log-level", "error", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield re.findall(r"https?://[\d.:]+", process.stdout.readline().partition("(")[0])
        finally:
            process.terminate()


def main() -> int:
    """Follow all instructions; return 1 if one failed or, if CI is set, was skipped."""
    assert list(RECIPES) == list(SDKS)
    status = 0
    with tempfile.TemporaryDirectory() as name, serving(*_STRICT_TLS, f"{name}/authority") as (url, secure):
        for sdk, recipe in RECIPES.items():
            for number, (way, lines) in enumerate(sections(sdk, url, secure).items()):
                if not lines:
                    continue
                folder = Path(name) / f"{sdk}-{number}"
                folder.mkdir()
                certificate = folder / "alimock-ca.pem"
                subprocess.run([*ALIMOCK, "ca", "--tls-directory", f"{name}/authority", "--output", certificate], check=True)
                try:
                    follow(recipe, lines, folder)
                    result = "passed"
                except Missing as missing:
                    result = f"skipped: {missing}"
                    status = 1 if os.environ.get("CI") and sdk not in OPTIONAL else status
                except RuntimeError as error:
                    result, status = f"FAILED\n{error}", 1
                print(f"alimock env --sdk {sdk}, {way}: {result}", flush=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
