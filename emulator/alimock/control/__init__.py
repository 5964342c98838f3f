"""The control API under `/_alimock/`: one file for each resource, JSON both ways; `openapi.yaml` describes it.

Views show all accounts, and changes touch all, unless the argument `access_key_id` narrows them.
"""
