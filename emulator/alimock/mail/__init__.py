"""Verification mails: their text, the RFC 5322 message, and the relay to an SMTP server."""
