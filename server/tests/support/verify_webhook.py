"""Verifies a webhook's message with the library of Standard Webhooks. Standard input: secret, headers and body as JSON."""

import json
import sys

from standardwebhooks import Webhook

message = json.load(sys.stdin)
Webhook(message["secret"]).verify(message["body"], message["headers"])
print("verified")
