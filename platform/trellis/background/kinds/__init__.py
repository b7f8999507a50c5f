"""The kinds of work in the background; each module has one `WORK`."""
