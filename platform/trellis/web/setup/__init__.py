"""Setup pages for administrators: objects and their fields, publishing, versions."""
