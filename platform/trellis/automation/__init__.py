"""Rule sets in force: outbox, approvals, scores and what rules may know."""
