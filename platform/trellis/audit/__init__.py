"""The audit: what happened besides changes of records, and the proof that nothing was altered.

History rows and audit events are only ever added. After their commit the sequencer gives each one
gapless number and a hash that covers all before it; the head of that chain is signed into a file.
"""

from trellis.audit.events import note, write_event

__all__ = ["note", "write_event"]
