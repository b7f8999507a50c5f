"""Which records may be one and the same: rules, comparable forms of values, scores, index keys."""
