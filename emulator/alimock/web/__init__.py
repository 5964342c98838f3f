"""Pages for people: the web UI and the page behind a mail's link."""
