"""Projects and memberships, and the limits that follow from them: values and rules without I/O."""
