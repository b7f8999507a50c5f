"""The API over HTTP against a floor of the same stack and against Flask-AppBuilder's own API.

Every contender runs as `trellis serve` runs Trellis, in processes of a few threads each,
beside one PostgreSQL with the same data. What counts is processor time per request, of the
server's process tree and of PostgreSQL: it travels between machines better than requests per
second, and ratios within one run better still.
"""
