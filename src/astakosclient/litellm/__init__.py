"""Budgets in LiteLLM's proxy: Astakos keys are its keys, and each call is reserved and settled on the ledger.

The proxy's configuration names two things of this package (`docs/guide/gateways.md`):

    litellm_settings: {callbacks: [astakosclient.litellm.budgets]}
    general_settings: {custom_auth: astakosclient.litellm.authenticate}
"""

from astakosclient.litellm.hooks import Budgets
from astakosclient.litellm.settings import Settings

__all__ = ["authenticate", "budgets"]

budgets = Budgets(Settings.from_environment())
authenticate = budgets.authenticate
