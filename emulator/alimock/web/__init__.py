"""The web UI, and the page that a mail's link opens."""
