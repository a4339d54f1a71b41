"""akoolflow: a plugin-based, event-driven framework for AKOOL streaming avatars."""
