"""Who somebody is and what she may do: accounts, roles, the directory, Flask-AppBuilder's part."""
