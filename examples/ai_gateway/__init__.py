"""An OpenAI-compatible gateway whose users have budgets: `python -m examples.ai_gateway` starts all of it."""
