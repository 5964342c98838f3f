"""What the emulator does where a call is well formed: each rule with how well it is known, and how a scenario has it otherwise."""

from __future__ import annotations

from dataclasses import dataclass

from alimock.spec.evidence import Evidence


@dataclass(frozen=True)
class Behaviour:
    """One rule in plain words. `override` is the scenario lines by which it is otherwise; empty if no scenario changes it."""

    area: str
    statement: str
    evidence: Evidence
    source: str
    override: str = ""


_CAPTURED, _DOCUMENTED, _SDK, _ASSUMED = Evidence.CAPTURED, Evidence.DOCUMENTED, Evidence.SDK, Evidence.ASSUMED
_OPEN = "nothing is published"
_LIVE_LIST = "a live reply of ListEmailVerification, pasted into the pages of 2020"

BEHAVIOURS: tuple[Behaviour, ...] = (
    Behaviour(
        "Submit",
        "A new address gets a record with status 0 and a mail, and stands in SuccessList.",
        _DOCUMENTED,
        "Domain's own pages",
    ),
    Behaviour(
        "Submit",
        "A verified address stands in ExistList whatever SendIfExist says; no mail, no quota used.",
        _ASSUMED,
        _OPEN,
        "addresses: {jo@example.com: pending}",
    ),
    Behaviour(
        "Submit",
        "A waiting address stands in ExistList without SendIfExist, and gets a new mail with it.",
        _DOCUMENTED,
        "the descriptions of SendIfExist and ExistList",
    ),
    Behaviour(
        "Submit", "A row of ExistList has the address only.", _DOCUMENTED, "the samples; the field tables name Code and Message too"
    ),
    Behaviour(
        "Resend",
        "A waiting address gets a new token, and the one before is void.",
        _ASSUMED,
        _OPEN,
        "addresses: {jo@example.com: {status: pending, answers: {resend: illegal}}}",
    ),
    Behaviour("Resend", "A resend moves TokenSendTime and GmtModified, and keeps GmtCreate.", _CAPTURED, _LIVE_LIST),
    Behaviour("Resend", "A resend keeps EmailVerificationNo and SendIp.", _ASSUMED, _OPEN),
    Behaviour(
        "Resend",
        "An unknown or a verified address stands in FailList with ParameterIllegall.",
        _ASSUMED,
        "the only refusal published for an address the service will not act on",
        "addresses: {jo@example.com: pending}",
    ),
    Behaviour(
        "Verify",
        "A link is valid for three days after its mail, to the second, by the account's clock.",
        _DOCUMENTED,
        "the pages since 2020 and the FAQ; the second is assumed",
        "limits: {link_valid_days: 1}",
    ),
    Behaviour(
        "Verify", "Following the link verifies at once; GmtModified is VerificationTime.", _DOCUMENTED, "the FAQ and the samples"
    ),
    Behaviour(
        "Verify",
        "An unknown, used, void or expired token, or another account's, is refused with ParameterIllegal.",
        _ASSUMED,
        "the operation's page of 2018 names the code, not its reasons",
        "codes: {ParameterIllegal: {status: 404, message: No such token.}}",
    ),
    Behaviour(
        "Query",
        "An address without a record is refused with ParameterIllegal.",
        _ASSUMED,
        _OPEN,
        "addresses: {jo@example.com: pending}",
    ),
    Behaviour(
        "Query",
        "Email is required in the profile current; else a call without it gives the last record submitted or the file's first.",
        _DOCUMENTED,
        "the newest page and the SDKs require it, the pages of 2020 do not; which record is assumed",
        "profile: docs-2021",
    ),
    Behaviour("Query", "A waiting record has neither ConfirmIp nor VerificationTime.", _CAPTURED, _LIVE_LIST),
    Behaviour(
        "Query", "Version 2017-12-18 has no QueryEmailVerification and refuses it with InvalidAction.NotFound.", _SDK, "every SDK"
    ),
    Behaviour("List", "Records come newest first.", _ASSUMED, "the samples do"),
    Behaviour("List", "The bounds BeginCreateTime and EndCreateTime count themselves.", _ASSUMED, _OPEN),
    Behaviour("List", "A page beyond the end is empty, and without items TotalPageNum is 0.", _ASSUMED, _OPEN),
    Behaviour(
        "Delete",
        "A record is deleted whatever its status.",
        _ASSUMED,
        "the pages speak of verified addresses only",
        "addresses: {jo@example.com: {status: pending, answers: {delete: illegal}}}",
    ),
    Behaviour(
        "Delete",
        "An address without a record stands in FailList with ParameterIllegall.",
        _DOCUMENTED,
        "the samples; the reason is assumed",
    ),
    Behaviour(
        "EmailVerified",
        "It succeeds for a verified address, and is refused with RegContactEmailNotVerified for any other.",
        _ASSUMED,
        "the SDKs have the operation, no page does",
        "addresses: {jo@example.com: verified}",
    ),
    Behaviour(
        "Limits",
        "An address gets ten mails in a UTC+8 day, the next one is SendTokenQuotaExceeded.",
        _ASSUMED,
        "the code is published, the number is not",
        "limits: {sends_per_address_per_day: 3}",
    ),
    Behaviour(
        "Limits", "An account submits 500 new addresses in a UTC+8 day.", _DOCUMENTED, "the FAQ", "limits: {addresses_per_day: 20}"
    ),
    Behaviour(
        "Limits", "The 501st new address of a day is SendTokenQuotaExceeded.", _ASSUMED, _OPEN, "limits: {addresses_per_day: null}"
    ),
    Behaviour(
        "Addresses",
        "An address is malformed without one @, a dot in the domain, or with more than 254 characters, a space or a control "
        "character; it is refused with ParameterIllegall.",
        _ASSUMED,
        _OPEN,
        'addresses: {"*@odd.example.com": illegal}',
    ),
    Behaviour(
        "Addresses",
        "Letter case does not count; addresses are echoed as sent, and one that comes twice is handled once.",
        _ASSUMED,
        _OPEN,
    ),
    Behaviour("Addresses", "A refused address is a row of FailList, and the call succeeds.", _DOCUMENTED, "Domain's own pages"),
    Behaviour("Values", "Times are written in UTC+8.", _DOCUMENTED, "sibling operations pair such texts with epoch milliseconds"),
    Behaviour("Values", "SendIp and ConfirmIp are UserClientIp, else the caller's address.", _ASSUMED, _OPEN),
    Behaviour("Values", "Values that are absent are left out, in XML too.", _CAPTURED, f"{_LIVE_LIST}; for XML it is assumed"),
    Behaviour("Values", "A token is 32 lower-case hex digits.", _DOCUMENTED, "the published ones, as far as they are shown"),
    Behaviour(
        "Language",
        "Lang=zh changes the service's texts and not the gateway's; any other value is English.",
        _ASSUMED,
        "Lang is the language of the message",
    ),
    Behaviour("Mail", "Sender, subject and text of a mail.", _ASSUMED, "alimock's own; nothing is published"),
    Behaviour(
        "Gateway",
        "Without Format, V1 and unsigned calls get XML.",
        _DOCUMENTED,
        "Domain's page of common parameters, and live answers",
    ),
    Behaviour("Gateway", "Without Format, V3 calls get JSON.", _SDK, "SDKs that name no format and read JSON"),
    Behaviour("Gateway", "Of a parameter that comes twice the first counts, the query's before the form's.", _ASSUMED, _OPEN),
    Behaviour(
        "Gateway",
        "Action and version are looked up before credentials, the key before the signature, the signature before the parameters.",
        _CAPTURED,
        "live answers; the rest of the order is assumed",
    ),
    Behaviour(
        "Gateway",
        "The order of a JSON body is that of a Java HashMap.",
        _CAPTURED,
        "live answers of siblings and of ListEmailVerification",
    ),
    Behaviour(
        "Gateway",
        "Content-Type, Access-Control-*, x-acs-request-id, x-acs-trace-id and ETag are as the gateway sends them.",
        _CAPTURED,
        "live answers of 2023 to 2025; the ETag's rule is derived from two bodies",
    ),
    Behaviour(
        "Gateway",
        "Errors carry Recommend with the code, the product and the request's id.",
        _CAPTURED,
        "live answers; the product codes are assumed",
    ),
    Behaviour(
        "Gateway",
        "An unsigned call is accepted, and so is one of an unknown key.",
        _ASSUMED,
        "a convenience of alimock; the service refuses both",
        "authentication: strict",
    ),
    Behaviour(
        "RAM",
        "VerifyEmail needs domain:VerifyEmail.",
        _DOCUMENTED,
        "the current pages; those of 2018 to 2021 name domain:EmailVerificationOperation",
    ),
    Behaviour(
        "RAM",
        "Forbidden.RAM carries no AccessDeniedDetail.",
        _ASSUMED,
        "live answers of Alidns carry it since 2022; its encoded diagnostic message cannot be made up",
    ),
    Behaviour("RAM", "EmailVerified needs domain:QueryEmailVerification.", _ASSUMED, _OPEN),
    Behaviour(
        "Faults",
        "A throttled call can carry x-acs-retry-after, in milliseconds.",
        _SDK,
        "the Tea SDKs read it so; that Domain sends it is not known",
        "faults: [{error: Throttling.User, retry_after: 2s}]",
    ),
    Behaviour(
        "Faults",
        "A proxy's page with status 502 is plain HTML that names no maker.",
        _ASSUMED,
        "no page of the service's own is known",
        "faults: [{body: html-502}]",
    ),
)
