"""Handing over what somebody left behind."""

from trellis.departing.transfer import Transfer

KIND = Transfer()
