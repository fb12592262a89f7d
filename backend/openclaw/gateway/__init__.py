"""The gateway's protocol: client, frames, access, credentials, device."""
