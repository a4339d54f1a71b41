"""First-party plugins, one file each; made exactly as a stranger would make them."""
