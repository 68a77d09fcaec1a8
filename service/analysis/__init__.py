"""A log looked at without a server: what it holds, what the science says of it, and how that is shown."""
