"""Mail to people: letters wait in a table and are handed to one SMTP server, each once."""
