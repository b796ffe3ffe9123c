"""Projects: applications, memberships, and what members use (`http-api.md` §9)."""
