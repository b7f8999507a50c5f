"""What rules do, as pure functions: values in, values and effects out."""
