"""Facts into session views: one builder, and what each era knows of its sessions."""
