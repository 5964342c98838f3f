"""The control API below `/_alimock/`: one module per resource, JSON in and out, described by `openapi.yaml`.

Reads cover all accounts and changes apply to all, unless the argument `access_key_id` selects one.
"""
