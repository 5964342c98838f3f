"""The outbox through Mailpit's API, version 1, as far as published clients use it. Source of all facts: Mailpit v1.30."""
