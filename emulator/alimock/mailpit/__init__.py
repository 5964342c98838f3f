"""The outbox in the API of Mailpit, version 1, as far as its published clients use it. Facts are from Mailpit's source, v1.30."""
