"""Ways into a room."""
