"""From text to tree: the LALR tables, the limits, the builders and the wording of mistakes."""
