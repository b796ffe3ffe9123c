"""What Astakos costs, measured beside what one would use instead; see README.md."""
