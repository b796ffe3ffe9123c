"""Budgets in front of language models: what gateways share, whichever proxy they are part of.

`callers` says who calls, `estimates` what a request can take and has taken, `charge` reserves and settles it,
and `refusals` words what goes wrong as OpenAI does.
"""
