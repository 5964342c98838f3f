"""Verification mails: their text, the RFC 5322 message, and what forwards them to an SMTP server or a webhook."""
